from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="GraphHeadOut")


@_attrs_define
class GraphHeadOut:
    """A saved graph without its nodes.

    Attributes:
        id (UUID):
        version (int):
        user_id (UUID):
        name (str):
        description (str):
        is_active (bool):
        draft (bool):
        created_at (datetime.datetime):
    """

    id: UUID
    version: int
    user_id: UUID
    name: str
    description: str
    is_active: bool
    draft: bool
    created_at: datetime.datetime
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = str(self.id)

        version = self.version

        user_id = str(self.user_id)

        name = self.name

        description = self.description

        is_active = self.is_active

        draft = self.draft

        created_at = self.created_at.isoformat()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "version": version,
                "user_id": user_id,
                "name": name,
                "description": description,
                "is_active": is_active,
                "draft": draft,
                "created_at": created_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = UUID(d.pop("id"))

        version = d.pop("version")

        user_id = UUID(d.pop("user_id"))

        name = d.pop("name")

        description = d.pop("description")

        is_active = d.pop("is_active")

        draft = d.pop("draft")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        graph_head_out = cls(
            id=id,
            version=version,
            user_id=user_id,
            name=name,
            description=description,
            is_active=is_active,
            draft=draft,
            created_at=created_at,
        )

        graph_head_out.additional_properties = d
        return graph_head_out

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
