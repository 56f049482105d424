from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="RanOut")


@_attrs_define
class RanOut:
    """What a block emitted, in order: `[pin, value]` pairs.

    Attributes:
        id (UUID):
        status (str):
        outputs (list[list[Any | str]]):
    """

    id: UUID
    status: str
    outputs: list[list[Any | str]]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = str(self.id)

        status = self.status

        outputs = []
        for outputs_item_data in self.outputs:
            outputs_item = []
            for outputs_item_item_data in outputs_item_data:
                outputs_item_item: Any | str
                outputs_item_item = outputs_item_item_data
                outputs_item.append(outputs_item_item)

            outputs.append(outputs_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "status": status,
                "outputs": outputs,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = UUID(d.pop("id"))

        status = d.pop("status")

        outputs = []
        _outputs = d.pop("outputs")
        for outputs_item_data in _outputs:
            outputs_item = []
            _outputs_item = outputs_item_data
            for outputs_item_item_data in _outputs_item:

                def _parse_outputs_item_item(data: object) -> Any | str:
                    return cast(Any | str, data)

                outputs_item_item = _parse_outputs_item_item(outputs_item_item_data)

                outputs_item.append(outputs_item_item)

            outputs.append(outputs_item)

        ran_out = cls(
            id=id,
            status=status,
            outputs=outputs,
        )

        ran_out.additional_properties = d
        return ran_out

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
