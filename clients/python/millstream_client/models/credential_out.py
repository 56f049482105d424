from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.credential_out_type import CredentialOutType

T = TypeVar("T", bound="CredentialOut")


@_attrs_define
class CredentialOut:
    """A credential without what is secret in it; AutoGPT's names, and ours.

    Attributes:
        id (UUID):
        provider (str):
        type_ (CredentialOutType):
        title (str):
        username (None | str):
        scopes (list[str]):
        host (None | str):
        hosts (list[str]):
        is_managed (bool):
        expires_at (datetime.datetime | None):
        created_at (datetime.datetime):
        updated_at (datetime.datetime):
    """

    id: UUID
    provider: str
    type_: CredentialOutType
    title: str
    username: None | str
    scopes: list[str]
    host: None | str
    hosts: list[str]
    is_managed: bool
    expires_at: datetime.datetime | None
    created_at: datetime.datetime
    updated_at: datetime.datetime
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = str(self.id)

        provider = self.provider

        type_ = self.type_.value

        title = self.title

        username: None | str
        username = self.username

        scopes = self.scopes

        host: None | str
        host = self.host

        hosts = self.hosts

        is_managed = self.is_managed

        expires_at: None | str
        if isinstance(self.expires_at, datetime.datetime):
            expires_at = self.expires_at.isoformat()
        else:
            expires_at = self.expires_at

        created_at = self.created_at.isoformat()

        updated_at = self.updated_at.isoformat()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "provider": provider,
                "type": type_,
                "title": title,
                "username": username,
                "scopes": scopes,
                "host": host,
                "hosts": hosts,
                "is_managed": is_managed,
                "expires_at": expires_at,
                "created_at": created_at,
                "updated_at": updated_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = UUID(d.pop("id"))

        provider = d.pop("provider")

        type_ = CredentialOutType(d.pop("type"))

        title = d.pop("title")

        def _parse_username(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        username = _parse_username(d.pop("username"))

        scopes = cast(list[str], d.pop("scopes"))

        def _parse_host(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        host = _parse_host(d.pop("host"))

        hosts = cast(list[str], d.pop("hosts"))

        is_managed = d.pop("is_managed")

        def _parse_expires_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                expires_at_type_0 = datetime.datetime.fromisoformat(data)

                return expires_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        expires_at = _parse_expires_at(d.pop("expires_at"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        updated_at = datetime.datetime.fromisoformat(d.pop("updated_at"))

        credential_out = cls(
            id=id,
            provider=provider,
            type_=type_,
            title=title,
            username=username,
            scopes=scopes,
            host=host,
            hosts=hosts,
            is_managed=is_managed,
            expires_at=expires_at,
            created_at=created_at,
            updated_at=updated_at,
        )

        credential_out.additional_properties = d
        return credential_out

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
