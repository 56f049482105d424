from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.config_out_sign_up import ConfigOutSignUp

T = TypeVar("T", bound="ConfigOut")


@_attrs_define
class ConfigOut:
    """How one comes in here.

    Attributes:
        sign_up (ConfigOutSignUp):
        first_account (bool): Nobody is admin yet: the set-up code makes the first account.
    """

    sign_up: ConfigOutSignUp
    first_account: bool
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        sign_up = self.sign_up.value

        first_account = self.first_account

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "sign_up": sign_up,
                "first_account": first_account,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        sign_up = ConfigOutSignUp(d.pop("sign_up"))

        first_account = d.pop("first_account")

        config_out = cls(
            sign_up=sign_up,
            first_account=first_account,
        )

        config_out.additional_properties = d
        return config_out

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
