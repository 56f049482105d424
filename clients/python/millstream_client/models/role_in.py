from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..models.org_role import OrgRole

T = TypeVar("T", bound="RoleIn")


@_attrs_define
class RoleIn:
    """A role.

    Attributes:
        role (OrgRole): What a member is in an organisation, from least to most.
    """

    role: OrgRole

    def to_dict(self) -> dict[str, Any]:
        role = self.role.value

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "role": role,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        role = OrgRole(d.pop("role"))

        role_in = cls(
            role=role,
        )

        return role_in
