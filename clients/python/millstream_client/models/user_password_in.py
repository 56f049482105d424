from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="UserPasswordIn")


@_attrs_define
class UserPasswordIn:
    """A name and a password.

    Attributes:
        provider (str):
        title (str):
        type_ (Literal['user_password']):
        username (str):
        password (str):
        hosts (list[str] | Unset): Where it may be sent: `host`, `host:port`, `*.host`. Empty: where the blocks that
            take it say. Without TLS only with a port.
    """

    provider: str
    title: str
    type_: Literal["user_password"]
    username: str
    password: str
    hosts: list[str] | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        provider = self.provider

        title = self.title

        type_ = self.type_

        username = self.username

        password = self.password

        hosts: list[str] | Unset = UNSET
        if not isinstance(self.hosts, Unset):
            hosts = self.hosts

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "provider": provider,
                "title": title,
                "type": type_,
                "username": username,
                "password": password,
            }
        )
        if hosts is not UNSET:
            field_dict["hosts"] = hosts

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        provider = d.pop("provider")

        title = d.pop("title")

        type_ = cast(Literal["user_password"], d.pop("type"))
        if type_ != "user_password":
            raise ValueError(f"type must match const 'user_password', got '{type_}'")

        username = d.pop("username")

        password = d.pop("password")

        hosts = cast(list[str], d.pop("hosts", UNSET))

        user_password_in = cls(
            provider=provider,
            title=title,
            type_=type_,
            username=username,
            password=password,
            hosts=hosts,
        )

        return user_password_in
