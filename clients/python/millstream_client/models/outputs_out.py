from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.outputs_out_status import OutputsOutStatus

if TYPE_CHECKING:
    from ..models.outputs_out_outputs import OutputsOutOutputs
    from ..models.outputs_out_verdict_type_0 import OutputsOutVerdictType0


T = TypeVar("T", bound="OutputsOut")


@_attrs_define
class OutputsOut:
    """What an execution has put out so far; all of it once it has ended.

    Attributes:
        id (UUID):
        status (OutputsOutStatus):
        verdict (None | OutputsOutVerdictType0):
        outputs (OutputsOutOutputs):
    """

    id: UUID
    status: OutputsOutStatus
    verdict: None | OutputsOutVerdictType0
    outputs: OutputsOutOutputs
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.outputs_out_verdict_type_0 import OutputsOutVerdictType0

        id = str(self.id)

        status = self.status.value

        verdict: dict[str, Any] | None
        if isinstance(self.verdict, OutputsOutVerdictType0):
            verdict = self.verdict.to_dict()
        else:
            verdict = self.verdict

        outputs = self.outputs.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "status": status,
                "verdict": verdict,
                "outputs": outputs,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.outputs_out_outputs import OutputsOutOutputs
        from ..models.outputs_out_verdict_type_0 import OutputsOutVerdictType0

        d = dict(src_dict)
        id = UUID(d.pop("id"))

        status = OutputsOutStatus(d.pop("status"))

        def _parse_verdict(data: object) -> None | OutputsOutVerdictType0:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                verdict_type_0 = OutputsOutVerdictType0.from_dict(data)

                return verdict_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | OutputsOutVerdictType0, data)

        verdict = _parse_verdict(d.pop("verdict"))

        outputs = OutputsOutOutputs.from_dict(d.pop("outputs"))

        outputs_out = cls(
            id=id,
            status=status,
            verdict=verdict,
            outputs=outputs,
        )

        outputs_out.additional_properties = d
        return outputs_out

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
