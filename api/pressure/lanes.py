"""What is known of the lanes in which node executions wait, put beside the reason that they do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from millstream.api.pressure.service import Pressure
from millstream.schemas.blocks import BlockSpec


def with_lanes(answer: dict[str, Any], pressure: Pressure, specs: Mapping[str, BlockSpec]) -> dict[str, Any]:
    """Return an execution's answer in which each reason `lane` says which one and how many tasks are before or beside it."""
    lanes: list[dict[str, Any]] = []
    for node in answer["node_executions"]:
        spec = specs.get(str(node["block_id"]))
        if _is_lane(node["reason"]) and spec is not None:
            lanes.append({"lane": spec.lane, "lag": pressure.lane_lag(spec.lane)})
            node["reason"] = {**node["reason"], **lanes[-1]}
    if lanes and _is_lane(answer["reason"]):
        answer["reason"] = {**answer["reason"], **max(lanes, key=lambda lane: lane["lag"])}
    return answer


def _is_lane(reason: dict[str, Any] | None) -> bool:
    return reason is not None and reason.get("kind") == "lane"
