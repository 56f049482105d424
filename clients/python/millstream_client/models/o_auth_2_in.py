from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Literal, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="OAuth2In")


@_attrs_define
class OAuth2In:
    """Tokens that were got elsewhere. The usual way is to connect: see `/oauth`.

    Attributes:
        provider (str):
        title (str):
        type_ (Literal['oauth2']):
        access_token (str):
        hosts (list[str] | Unset): Where it may be sent: `host`, `host:port`, `*.host`. Empty: where the blocks that
            take it say. Without TLS only with a port.
        refresh_token (None | str | Unset):
        expires_at (datetime.datetime | None | Unset):
        scopes (list[str] | Unset):
        username (None | str | Unset):
    """

    provider: str
    title: str
    type_: Literal["oauth2"]
    access_token: str
    hosts: list[str] | Unset = UNSET
    refresh_token: None | str | Unset = UNSET
    expires_at: datetime.datetime | None | Unset = UNSET
    scopes: list[str] | Unset = UNSET
    username: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        provider = self.provider

        title = self.title

        type_ = self.type_

        access_token = self.access_token

        hosts: list[str] | Unset = UNSET
        if not isinstance(self.hosts, Unset):
            hosts = self.hosts

        refresh_token: None | str | Unset
        if isinstance(self.refresh_token, Unset):
            refresh_token = UNSET
        else:
            refresh_token = self.refresh_token

        expires_at: None | str | Unset
        if isinstance(self.expires_at, Unset):
            expires_at = UNSET
        elif isinstance(self.expires_at, datetime.datetime):
            expires_at = self.expires_at.isoformat()
        else:
            expires_at = self.expires_at

        scopes: list[str] | Unset = UNSET
        if not isinstance(self.scopes, Unset):
            scopes = self.scopes

        username: None | str | Unset
        if isinstance(self.username, Unset):
            username = UNSET
        else:
            username = self.username

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "provider": provider,
                "title": title,
                "type": type_,
                "access_token": access_token,
            }
        )
        if hosts is not UNSET:
            field_dict["hosts"] = hosts
        if refresh_token is not UNSET:
            field_dict["refresh_token"] = refresh_token
        if expires_at is not UNSET:
            field_dict["expires_at"] = expires_at
        if scopes is not UNSET:
            field_dict["scopes"] = scopes
        if username is not UNSET:
            field_dict["username"] = username

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        provider = d.pop("provider")

        title = d.pop("title")

        type_ = cast(Literal["oauth2"], d.pop("type"))
        if type_ != "oauth2":
            raise ValueError(f"type must match const 'oauth2', got '{type_}'")

        access_token = d.pop("access_token")

        hosts = cast(list[str], d.pop("hosts", UNSET))

        def _parse_refresh_token(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        refresh_token = _parse_refresh_token(d.pop("refresh_token", UNSET))

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

        scopes = cast(list[str], d.pop("scopes", UNSET))

        def _parse_username(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        username = _parse_username(d.pop("username", UNSET))

        o_auth_2_in = cls(
            provider=provider,
            title=title,
            type_=type_,
            access_token=access_token,
            hosts=hosts,
            refresh_token=refresh_token,
            expires_at=expires_at,
            scopes=scopes,
            username=username,
        )

        return o_auth_2_in
