from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.line_out import LineOut
    from ..models.summary_out_stopped_type_0 import SummaryOutStoppedType0


T = TypeVar("T", bound="SummaryOut")


@_attrs_define
class SummaryOut:
    """What became of all lines.

    Attributes:
        started (int):
        repeated (int):
        failed (int):
        results (list[LineOut]): In the order of the lines.
        stopped (None | SummaryOutStoppedType0): Why the lines behind the last result were not read.
    """

    started: int
    repeated: int
    failed: int
    results: list[LineOut]
    stopped: None | SummaryOutStoppedType0
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.summary_out_stopped_type_0 import SummaryOutStoppedType0

        started = self.started

        repeated = self.repeated

        failed = self.failed

        results = []
        for results_item_data in self.results:
            results_item = results_item_data.to_dict()
            results.append(results_item)

        stopped: dict[str, Any] | None
        if isinstance(self.stopped, SummaryOutStoppedType0):
            stopped = self.stopped.to_dict()
        else:
            stopped = self.stopped

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "started": started,
                "repeated": repeated,
                "failed": failed,
                "results": results,
                "stopped": stopped,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.line_out import LineOut
        from ..models.summary_out_stopped_type_0 import SummaryOutStoppedType0

        d = dict(src_dict)
        started = d.pop("started")

        repeated = d.pop("repeated")

        failed = d.pop("failed")

        results = []
        _results = d.pop("results")
        for results_item_data in _results:
            results_item = LineOut.from_dict(results_item_data)

            results.append(results_item)

        def _parse_stopped(data: object) -> None | SummaryOutStoppedType0:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                stopped_type_0 = SummaryOutStoppedType0.from_dict(data)

                return stopped_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | SummaryOutStoppedType0, data)

        stopped = _parse_stopped(d.pop("stopped"))

        summary_out = cls(
            started=started,
            repeated=repeated,
            failed=failed,
            results=results,
            stopped=stopped,
        )

        summary_out.additional_properties = d
        return summary_out

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
