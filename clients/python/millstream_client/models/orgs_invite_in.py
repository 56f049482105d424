from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..models.org_role import OrgRole
from ..types import UNSET, Unset

T = TypeVar("T", bound="OrgsInviteIn")


@_attrs_define
class OrgsInviteIn:
    """Who is invited, as what.

    Attributes:
        email (str):
        role (OrgRole | Unset): What a member is in an organisation, from least to most.
    """

    email: str
    role: OrgRole | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        email = self.email

        role: str | Unset = UNSET
        if not isinstance(self.role, Unset):
            role = self.role.value

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "email": email,
            }
        )
        if role is not UNSET:
            field_dict["role"] = role

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        email = d.pop("email")

        _role = d.pop("role", UNSET)
        role: OrgRole | Unset
        if isinstance(_role, Unset):
            role = UNSET
        else:
            role = OrgRole(_role)

        orgs_invite_in = cls(
            email=email,
            role=role,
        )

        return orgs_invite_in
