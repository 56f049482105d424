from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="RegisterIn")


@_attrs_define
class RegisterIn:
    """A new account. The first one needs the set-up code; where sign-up is not open, all others an invitation.

    Attributes:
        email (str):
        password (str):
        name (str | Unset):  Default: ''.
        setup_code (None | str | Unset):
        invitation (None | str | Unset):
    """

    email: str
    password: str
    name: str | Unset = ""
    setup_code: None | str | Unset = UNSET
    invitation: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        email = self.email

        password = self.password

        name = self.name

        setup_code: None | str | Unset
        if isinstance(self.setup_code, Unset):
            setup_code = UNSET
        else:
            setup_code = self.setup_code

        invitation: None | str | Unset
        if isinstance(self.invitation, Unset):
            invitation = UNSET
        else:
            invitation = self.invitation

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "email": email,
                "password": password,
            }
        )
        if name is not UNSET:
            field_dict["name"] = name
        if setup_code is not UNSET:
            field_dict["setup_code"] = setup_code
        if invitation is not UNSET:
            field_dict["invitation"] = invitation

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        email = d.pop("email")

        password = d.pop("password")

        name = d.pop("name", UNSET)

        def _parse_setup_code(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        setup_code = _parse_setup_code(d.pop("setup_code", UNSET))

        def _parse_invitation(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        invitation = _parse_invitation(d.pop("invitation", UNSET))

        register_in = cls(
            email=email,
            password=password,
            name=name,
            setup_code=setup_code,
            invitation=invitation,
        )

        return register_in
