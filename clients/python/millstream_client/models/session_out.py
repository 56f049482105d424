from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.session_out_kind import SessionOutKind

T = TypeVar("T", bound="SessionOut")


@_attrs_define
class SessionOut:
    """Something that is logged in.

    Attributes:
        id (str):
        kind (SessionOutKind):
        client (str):
        created_at (datetime.datetime):
        seen_at (datetime.datetime):
        current (bool):
    """

    id: str
    kind: SessionOutKind
    client: str
    created_at: datetime.datetime
    seen_at: datetime.datetime
    current: bool
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        kind = self.kind.value

        client = self.client

        created_at = self.created_at.isoformat()

        seen_at = self.seen_at.isoformat()

        current = self.current

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "kind": kind,
                "client": client,
                "created_at": created_at,
                "seen_at": seen_at,
                "current": current,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = d.pop("id")

        kind = SessionOutKind(d.pop("kind"))

        client = d.pop("client")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        seen_at = datetime.datetime.fromisoformat(d.pop("seen_at"))

        current = d.pop("current")

        session_out = cls(
            id=id,
            kind=kind,
            client=client,
            created_at=created_at,
            seen_at=seen_at,
            current=current,
        )

        session_out.additional_properties = d
        return session_out

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
