from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="ShareIn")


@_attrs_define
class ShareIn:
    """How long a link is good.

    Attributes:
        expires_in_s (float | Unset): Seconds; default: a week. Default: 604800.0.
    """

    expires_in_s: float | Unset = 604800.0

    def to_dict(self) -> dict[str, Any]:
        expires_in_s = self.expires_in_s

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if expires_in_s is not UNSET:
            field_dict["expires_in_s"] = expires_in_s

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        expires_in_s = d.pop("expires_in_s", UNSET)

        share_in = cls(
            expires_in_s=expires_in_s,
        )

        return share_in
