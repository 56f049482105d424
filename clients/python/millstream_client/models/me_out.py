from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.me_out_kind import MeOutKind
from ..models.org_role import OrgRole
from ..models.role import Role
from ..models.scope import Scope

T = TypeVar("T", bound="MeOut")


@_attrs_define
class MeOut:
    """The caller, and what this login may do.

    Attributes:
        id (UUID):
        email (str):
        name (str):
        role (Role): What somebody is on this platform, from least to most.
        timezone (str):
        email_verified (bool):
        two_factor (bool):
        created_at (datetime.datetime):
        account_id (UUID):
        org_role (None | OrgRole):
        kind (MeOutKind):
        scopes (list[Scope] | None):
    """

    id: UUID
    email: str
    name: str
    role: Role
    timezone: str
    email_verified: bool
    two_factor: bool
    created_at: datetime.datetime
    account_id: UUID
    org_role: None | OrgRole
    kind: MeOutKind
    scopes: list[Scope] | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = str(self.id)

        email = self.email

        name = self.name

        role = self.role.value

        timezone = self.timezone

        email_verified = self.email_verified

        two_factor = self.two_factor

        created_at = self.created_at.isoformat()

        account_id = str(self.account_id)

        org_role: None | str
        if isinstance(self.org_role, OrgRole):
            org_role = self.org_role.value
        else:
            org_role = self.org_role

        kind = self.kind.value

        scopes: list[str] | None
        if isinstance(self.scopes, list):
            scopes = []
            for scopes_type_0_item_data in self.scopes:
                scopes_type_0_item = scopes_type_0_item_data.value
                scopes.append(scopes_type_0_item)

        else:
            scopes = self.scopes

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "email": email,
                "name": name,
                "role": role,
                "timezone": timezone,
                "email_verified": email_verified,
                "two_factor": two_factor,
                "created_at": created_at,
                "account_id": account_id,
                "org_role": org_role,
                "kind": kind,
                "scopes": scopes,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = UUID(d.pop("id"))

        email = d.pop("email")

        name = d.pop("name")

        role = Role(d.pop("role"))

        timezone = d.pop("timezone")

        email_verified = d.pop("email_verified")

        two_factor = d.pop("two_factor")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        account_id = UUID(d.pop("account_id"))

        def _parse_org_role(data: object) -> None | OrgRole:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                org_role_type_0 = OrgRole(data)

                return org_role_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | OrgRole, data)

        org_role = _parse_org_role(d.pop("org_role"))

        kind = MeOutKind(d.pop("kind"))

        def _parse_scopes(data: object) -> list[Scope] | None:
            if data is None:
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                scopes_type_0 = []
                _scopes_type_0 = data
                for scopes_type_0_item_data in _scopes_type_0:
                    scopes_type_0_item = Scope(scopes_type_0_item_data)

                    scopes_type_0.append(scopes_type_0_item)

                return scopes_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[Scope] | None, data)

        scopes = _parse_scopes(d.pop("scopes"))

        me_out = cls(
            id=id,
            email=email,
            name=name,
            role=role,
            timezone=timezone,
            email_verified=email_verified,
            two_factor=two_factor,
            created_at=created_at,
            account_id=account_id,
            org_role=org_role,
            kind=kind,
            scopes=scopes,
        )

        me_out.additional_properties = d
        return me_out

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
