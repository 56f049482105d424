from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="ProblemOut")


@_attrs_define
class ProblemOut:
    """What is wrong with a graph, and where.

    Attributes:
        node (None | str):
        pin (None | str):
        code (str):
        reason (str):
        severity (str):
        graph (None | str):
        path (None | str):
    """

    node: None | str
    pin: None | str
    code: str
    reason: str
    severity: str
    graph: None | str
    path: None | str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        node: None | str
        node = self.node

        pin: None | str
        pin = self.pin

        code = self.code

        reason = self.reason

        severity = self.severity

        graph: None | str
        graph = self.graph

        path: None | str
        path = self.path

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "node": node,
                "pin": pin,
                "code": code,
                "reason": reason,
                "severity": severity,
                "graph": graph,
                "path": path,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_node(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        node = _parse_node(d.pop("node"))

        def _parse_pin(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        pin = _parse_pin(d.pop("pin"))

        code = d.pop("code")

        reason = d.pop("reason")

        severity = d.pop("severity")

        def _parse_graph(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        graph = _parse_graph(d.pop("graph"))

        def _parse_path(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        path = _parse_path(d.pop("path"))

        problem_out = cls(
            node=node,
            pin=pin,
            code=code,
            reason=reason,
            severity=severity,
            graph=graph,
            path=path,
        )

        problem_out.additional_properties = d
        return problem_out

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
