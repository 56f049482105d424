from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.usage_sums import UsageSums


T = TypeVar("T", bound="UsageOut")


@_attrs_define
class UsageOut:
    """What models were asked in a time, and what it cost.

    Attributes:
        since (datetime.datetime):
        until (datetime.datetime):
        total (UsageSums): Calls of models, added up.
        items (list[UsageSums]):
    """

    since: datetime.datetime
    until: datetime.datetime
    total: UsageSums
    items: list[UsageSums]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        since = self.since.isoformat()

        until = self.until.isoformat()

        total = self.total.to_dict()

        items = []
        for items_item_data in self.items:
            items_item = items_item_data.to_dict()
            items.append(items_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "since": since,
                "until": until,
                "total": total,
                "items": items,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.usage_sums import UsageSums

        d = dict(src_dict)
        since = datetime.datetime.fromisoformat(d.pop("since"))

        until = datetime.datetime.fromisoformat(d.pop("until"))

        total = UsageSums.from_dict(d.pop("total"))

        items = []
        _items = d.pop("items")
        for items_item_data in _items:
            items_item = UsageSums.from_dict(items_item_data)

            items.append(items_item)

        usage_out = cls(
            since=since,
            until=until,
            total=total,
            items=items,
        )

        usage_out.additional_properties = d
        return usage_out

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
