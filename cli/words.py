"""Reasons and verdicts in words: why something is not done yet, and what became of it. Pure.

COMPLETED is not success: a run whose nodes failed, starved or ran out of time gets another icon, colour and sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

Names = Mapping[str, str]
"""Names by id."""
OK = ("✓", "green")
GOES_ON = "…"
_MARKS = {
    "ok": OK,
    "errors": ("✗", "bold red"),
    "left_waiting": ("!", "bold yellow"),
    "timed_out": ("✗", "bold red"),
    "over_budget": ("✗", "bold red"),
    "failed": ("✗", "bold red"),
    "stopped": ("■", "yellow"),
}
_RESULTS = {
    "errors": "completed, but nodes failed",
    "left_waiting": "completed, but nodes never ran",
    "timed_out": "timed out",
    "over_budget": "over budget",
    "failed": "failed",
    "stopped": "stopped",
}


def result_of(execution: Mapping[str, Any]) -> str:
    """Return the verdict's result; without one only what the status says for certain."""
    verdict = execution.get("verdict") or {}
    by_status = {"FAILED": "failed", "TERMINATED": "stopped"}
    return str(verdict.get("result") or by_status.get(execution["status"], "unknown"))


def succeeded(execution: Mapping[str, Any]) -> bool:
    """Tell whether an execution ended well: completed, and no node failed or starved."""
    return bool(execution["status"] == "COMPLETED" and result_of(execution) == "ok")


def mark_of(execution: Mapping[str, Any]) -> tuple[str, str]:
    """Return an icon and a style for what became of an execution, or for that it goes on."""
    if execution["status"] not in ("COMPLETED", "FAILED", "TERMINATED"):
        return GOES_ON, "cyan"
    return _MARKS.get(result_of(execution), ("?", "yellow"))


def verdict_text(execution: Mapping[str, Any], names: Names, blocks: Names | None = None) -> str:
    """Return in words what became of an execution: a sentence, then a line for each node that failed or never ran.

    `names`: of nodes, `blocks`: of blocks, both by id.
    """
    verdict = execution.get("verdict") or {}
    if succeeded(execution):
        return "completed"
    result = result_of(execution)
    parts = [_RESULTS.get(result, f"{execution['status'].lower()}, outcome {result}")]
    if result == "stopped" and verdict.get("by"):
        parts.append(f" by {verdict['by']}")
    if verdict.get("reason"):
        parts.append(f" ({verdict['reason']})")
    failure = execution.get("failure") or {}
    error = failure.get("message") or (execution.get("stats") or {}).get("error")
    if error:
        parts.append(f": {error}")
    parts += [f"\n  {line}" for line in _failed(verdict, names, blocks or {})]
    for waiting in verdict.get("waiting", []):
        pins = ", ".join(waiting["pins"])
        parts.append(f"\n  {_name(waiting['node'], names)} never ran: {waiting['reason']} ({pins})")
    return "".join(parts)


def _failed(verdict: Mapping[str, Any], names: Names, blocks: Names) -> list[str]:
    told = verdict.get("failed") or [{"node": node} for node in verdict.get("failed_nodes", [])]
    lines = []
    for each in told:
        message, block = each.get("message"), blocks.get(each.get("block", ""))
        what = _name(each["node"], names) + (f" ({block})" if block else "")
        lines.append(f"{what} failed" + (f": {message}" if message else ""))
    more = int(verdict.get("errors") or 0) - len(told)
    return [*lines, f"and {more} more"] if more > 0 else lines


def _name(node: str, names: Names) -> str:
    return names.get(node, node[:8])


def reason_text(reason: Mapping[str, Any] | None) -> str:
    """Return in words why something is not done yet; empty if there is nothing to say."""
    if not reason:
        return ""
    kind = str(reason.get("kind"))
    pins = ", ".join(map(str, reason.get("pins") or reason.get("missing") or []))
    words = {
        "start": "accepted, not begun",
        "admission": f"place {reason.get('place', '?')} in the queue",
        "lane": "waits for a worker",
        "reissued": "given to another worker",
        "running": "",
        "redis": "waits for Redis, which is away",
        "timer": f"waits until {_clock(reason.get('until'))}",
        "retry": f"try {reason.get('try')} of {reason.get('of')} at {_clock(reason.get('at'))}: {reason.get('error')}",
        "review": "waits for a person" + _until(reason.get("until")),
        "children": "waits for its agent",
        "calls": f"round {reason.get('round')}: waits for {reason.get('count')} calls",
        "waiting": f"waits for {pins or reason.get('count', 'inputs')}",
        "released": f"goes on without {pins}",
        "continued": "failed, went on with the default",
        "disabled": "disabled",
        "given": "not run, outputs given",
    }
    return words.get(kind, kind)


def _until(at: Any) -> str:
    return f", at most until {_clock(at)}" if at else ""


def _clock(at: Any) -> str:
    """A time of day here, from Unix milliseconds."""
    if not isinstance(at, int | float):
        return "?"
    return datetime.fromtimestamp(at / 1000, UTC).astimezone().strftime("%H:%M:%S")
