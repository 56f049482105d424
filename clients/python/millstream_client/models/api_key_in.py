from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Literal, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="ApiKeyIn")


@_attrs_define
class ApiKeyIn:
    """A key.

    Attributes:
        provider (str):
        title (str):
        type_ (Literal['api_key']):
        api_key (str):
        hosts (list[str] | Unset): Where it may be sent: `host`, `host:port`, `*.host`. Empty: where the blocks that
            take it say. Without TLS only with a port.
        expires_at (datetime.datetime | None | Unset):
    """

    provider: str
    title: str
    type_: Literal["api_key"]
    api_key: str
    hosts: list[str] | Unset = UNSET
    expires_at: datetime.datetime | None | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        provider = self.provider

        title = self.title

        type_ = self.type_

        api_key = self.api_key

        hosts: list[str] | Unset = UNSET
        if not isinstance(self.hosts, Unset):
            hosts = self.hosts

        expires_at: None | str | Unset
        if isinstance(self.expires_at, Unset):
            expires_at = UNSET
        elif isinstance(self.expires_at, datetime.datetime):
            expires_at = self.expires_at.isoformat()
        else:
            expires_at = self.expires_at

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "provider": provider,
                "title": title,
                "type": type_,
                "api_key": api_key,
            }
        )
        if hosts is not UNSET:
            field_dict["hosts"] = hosts
        if expires_at is not UNSET:
            field_dict["expires_at"] = expires_at

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        provider = d.pop("provider")

        title = d.pop("title")

        type_ = cast(Literal["api_key"], d.pop("type"))
        if type_ != "api_key":
            raise ValueError(f"type must match const 'api_key', got '{type_}'")

        api_key = d.pop("api_key")

        hosts = cast(list[str], d.pop("hosts", UNSET))

        def _parse_expires_at(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                expires_at_type_0 = datetime.datetime.fromisoformat(data)

                return expires_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        expires_at = _parse_expires_at(d.pop("expires_at", UNSET))

        api_key_in = cls(
            provider=provider,
            title=title,
            type_=type_,
            api_key=api_key,
            hosts=hosts,
            expires_at=expires_at,
        )

        return api_key_in
