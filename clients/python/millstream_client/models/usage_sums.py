from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="UsageSums")


@_attrs_define
class UsageSums:
    """Calls of models, added up.

    Attributes:
        key (str): What they have in common: `provider:model`, a day, an id; `total` for all.
        calls (int):
        repeats (int): Calls that were made again by runs repeated after a crash; not in the other sums.
        input_tokens (int):
        output_tokens (int):
        cached_tokens (int): Of the input tokens, those from the provider's cache.
        cost_microusd (int): Millionths of a US dollar.
        unpriced (int): Calls whose price is not known; they count as 0 in the cost.
        elapsed_ms (int):
    """

    key: str
    calls: int
    repeats: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cost_microusd: int
    unpriced: int
    elapsed_ms: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        key = self.key

        calls = self.calls

        repeats = self.repeats

        input_tokens = self.input_tokens

        output_tokens = self.output_tokens

        cached_tokens = self.cached_tokens

        cost_microusd = self.cost_microusd

        unpriced = self.unpriced

        elapsed_ms = self.elapsed_ms

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "key": key,
                "calls": calls,
                "repeats": repeats,
                "input_tokens": input_tokens,
                "output_tokens": output_tokens,
                "cached_tokens": cached_tokens,
                "cost_microusd": cost_microusd,
                "unpriced": unpriced,
                "elapsed_ms": elapsed_ms,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        key = d.pop("key")

        calls = d.pop("calls")

        repeats = d.pop("repeats")

        input_tokens = d.pop("input_tokens")

        output_tokens = d.pop("output_tokens")

        cached_tokens = d.pop("cached_tokens")

        cost_microusd = d.pop("cost_microusd")

        unpriced = d.pop("unpriced")

        elapsed_ms = d.pop("elapsed_ms")

        usage_sums = cls(
            key=key,
            calls=calls,
            repeats=repeats,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            cached_tokens=cached_tokens,
            cost_microusd=cost_microusd,
            unpriced=unpriced,
            elapsed_ms=elapsed_ms,
        )

        usage_sums.additional_properties = d
        return usage_sums

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
