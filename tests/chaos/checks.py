"""What must hold when all is over, and what was counted."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.effects import Effects
from tests.chaos.graph import CHAIN, EFFECT, ITEMS, Saved, runs_by_node
from tests.chaos.watchers import Watchers
from tests.platform import Platform

ENDED_S = 180.0


@dataclass
class Facts:
    """What was found. `problems` must be empty."""

    executions: int = 0
    effects: int = 0
    interrupted: int = 0
    """Effects of which nobody can know whether they were done: the node says so and was not run again."""
    done_of_interrupted: int = 0
    events: int = 0
    cuts: int = 0
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.executions} executions ended; {self.effects} effects, each once; {self.interrupted} interrupted, of "
            f"which {self.done_of_interrupted} had been done; {self.events} events seen by WebSocket clients "
            f"that were cut {self.cuts} times"
        )


def check_runs(mill: Platform, saved: Saved, accepted: list[str], effects: Effects) -> Facts:
    """Every accepted run ended; each node's effect is visible once, in the read model and outside."""
    facts = Facts(executions=len(accepted))
    if len(set(accepted)) != len(accepted):
        facts.problems.append("an execution was given to two keys")
    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda execution_id: mill.wait(execution_id, ENDED_S), accepted))
    counts, known = effects.counts(), set()
    for run in runs:
        for node in run["node_executions"]:
            node["node_id"] = saved.names[node["node_id"]]
        facts.problems += _problems_of(run)
        for node in run["node_executions"]:
            if node["node_id"] != EFFECT:
                continue
            known.add(node["id"])
            facts.problems += _problems_of_effect(node, counts[node["id"]], facts)
    facts.problems += [f"done {n} times: {key}" for key, n in counts.items() if n > 1 and key not in known]
    return facts


def _problems_of(run: dict[str, Any]) -> list[str]:
    short = {name: run[name] for name in ("id", "status", "verdict", "failure", "outputs")}
    if run["status"] != "COMPLETED" or run["verdict"]["result"] not in ("ok", "errors"):
        return [f"ended badly: {short}"]
    if sorted(run["outputs"].get("out", [])) != ITEMS:
        return [f"other outputs: {short}"]
    runs = Counter(node["node_id"] for node in run["node_executions"])
    problems = [] if runs == runs_by_node() else [f"nodes ran {dict(runs)}: {short}"]
    chain = {f"c{i}" for i in range(CHAIN)}
    for node in run["node_executions"]:
        if node["node_id"] in chain and len(node["output_data"].get("output", ())) != 1:
            problems.append(f"outputs of {node['node_id']}: {node['output_data']} in {run['id']}")
        if node["node_id"] != EFFECT and node["status"] != "COMPLETED":
            problems.append(f"{node['node_id']} is {node['status']} ({node['failure']}) in {run['id']}")
    return problems


def _problems_of_effect(node: dict[str, Any], done: int, facts: Facts) -> list[str]:
    """Done once if the node says so; if it was interrupted, at most once."""
    facts.effects += min(done, 1)
    where = f"{node['id']} of {node['graph_exec_id']}"
    if done > 1:
        return [f"an effect was done {done} times: {where}"]
    if node["status"] == "COMPLETED":
        return [] if done == 1 else [f"an effect was not done: {where}"]
    code = (node["failure"] or {}).get("code")
    if code != "interrupted":
        return [f"an effect failed with {node['failure']}: {where}"]
    facts.interrupted += 1
    facts.done_of_interrupted += done
    return []


def check_watchers(watchers: Watchers, accepted: list[str], facts: Facts) -> None:
    """Whoever followed a run saw each of its events once, in order, without a gap."""
    seen = watchers.seen()
    facts.cuts = sum(client.cuts for client in watchers.clients)
    for execution_id in accepted:
        found = seen.get(execution_id)
        if found is None or not found.whole:
            numbers = [] if found is None else found.numbers
            breaks = [pair for pair in zip(numbers, numbers[1:], strict=False) if pair[1] != pair[0] + 1][:5]
            status = found and found.status
            facts.problems.append(
                f"events of {execution_id}: {len(numbers)} seen, breaks {breaks}, status {status!r}"
            )
        else:
            facts.events += len(found.numbers)
