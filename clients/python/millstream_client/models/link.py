from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="Link")


@_attrs_define
class Link:
    """An edge: what `source_id` emits on `source_name` is delivered to `sink_id` on `sink_name`.

    Attributes:
        source_id (str):
        source_name (str):
        sink_id (str):
        sink_name (str):
        id (str | Unset):
        is_static (bool | Unset):  Default: False.
    """

    source_id: str
    source_name: str
    sink_id: str
    sink_name: str
    id: str | Unset = UNSET
    is_static: bool | Unset = False
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        source_id = self.source_id

        source_name = self.source_name

        sink_id = self.sink_id

        sink_name = self.sink_name

        id = self.id

        is_static = self.is_static

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "source_id": source_id,
                "source_name": source_name,
                "sink_id": sink_id,
                "sink_name": sink_name,
            }
        )
        if id is not UNSET:
            field_dict["id"] = id
        if is_static is not UNSET:
            field_dict["is_static"] = is_static

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        source_id = d.pop("source_id")

        source_name = d.pop("source_name")

        sink_id = d.pop("sink_id")

        sink_name = d.pop("sink_name")

        id = d.pop("id", UNSET)

        is_static = d.pop("is_static", UNSET)

        link = cls(
            source_id=source_id,
            source_name=source_name,
            sink_id=sink_id,
            sink_name=sink_name,
            id=id,
            is_static=is_static,
        )

        link.additional_properties = d
        return link

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
