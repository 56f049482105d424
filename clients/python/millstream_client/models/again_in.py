from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="AgainIn")


@_attrs_define
class AgainIn:
    """What to run again.

    Attributes:
        from_node (None | str | Unset): Start here: nodes that do not follow from it emit what they emitted then, and
            are not run.
        only_node (None | str | Unset): Run this node alone, with the input that it had last.
    """

    from_node: None | str | Unset = UNSET
    only_node: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from_node: None | str | Unset
        if isinstance(self.from_node, Unset):
            from_node = UNSET
        else:
            from_node = self.from_node

        only_node: None | str | Unset
        if isinstance(self.only_node, Unset):
            only_node = UNSET
        else:
            only_node = self.only_node

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if from_node is not UNSET:
            field_dict["from_node"] = from_node
        if only_node is not UNSET:
            field_dict["only_node"] = only_node

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_from_node(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        from_node = _parse_from_node(d.pop("from_node", UNSET))

        def _parse_only_node(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        only_node = _parse_only_node(d.pop("only_node", UNSET))

        again_in = cls(
            from_node=from_node,
            only_node=only_node,
        )

        return again_in
