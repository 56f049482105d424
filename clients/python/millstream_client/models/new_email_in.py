from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="NewEmailIn")


@_attrs_define
class NewEmailIn:
    """A change of the address.

    Attributes:
        password (str):
        email (str):
    """

    password: str
    email: str

    def to_dict(self) -> dict[str, Any]:
        password = self.password

        email = self.email

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "password": password,
                "email": email,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        password = d.pop("password")

        email = d.pop("email")

        new_email_in = cls(
            password=password,
            email=email,
        )

        return new_email_in
