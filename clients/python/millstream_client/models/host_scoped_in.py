from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.host_scoped_in_headers import HostScopedInHeaders


T = TypeVar("T", bound="HostScopedIn")


@_attrs_define
class HostScopedIn:
    """Headers for hosts.

    Attributes:
        title (str):
        hosts (list[str]):
        type_ (Literal['host_scoped']):
        headers (HostScopedInHeaders):
        provider (str | Unset):  Default: 'http'.
    """

    title: str
    hosts: list[str]
    type_: Literal["host_scoped"]
    headers: HostScopedInHeaders
    provider: str | Unset = "http"

    def to_dict(self) -> dict[str, Any]:
        title = self.title

        hosts = self.hosts

        type_ = self.type_

        headers = self.headers.to_dict()

        provider = self.provider

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "title": title,
                "hosts": hosts,
                "type": type_,
                "headers": headers,
            }
        )
        if provider is not UNSET:
            field_dict["provider"] = provider

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.host_scoped_in_headers import HostScopedInHeaders

        d = dict(src_dict)
        title = d.pop("title")

        hosts = cast(list[str], d.pop("hosts"))

        type_ = cast(Literal["host_scoped"], d.pop("type"))
        if type_ != "host_scoped":
            raise ValueError(f"type must match const 'host_scoped', got '{type_}'")

        headers = HostScopedInHeaders.from_dict(d.pop("headers"))

        provider = d.pop("provider", UNSET)

        host_scoped_in = cls(
            title=title,
            hosts=hosts,
            type_=type_,
            headers=headers,
            provider=provider,
        )

        return host_scoped_in
