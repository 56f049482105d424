from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.node_input_default import NodeInputDefault
    from ..models.node_metadata import NodeMetadata


T = TypeVar("T", bound="Node")


@_attrs_define
class Node:
    """A block in a graph. Edges are in `Graph.links` alone; `input_links`, `output_links` are ignored.

    Attributes:
        block_id (str):
        id (str | Unset):
        input_default (NodeInputDefault | Unset):
        metadata (NodeMetadata | Unset):
    """

    block_id: str
    id: str | Unset = UNSET
    input_default: NodeInputDefault | Unset = UNSET
    metadata: NodeMetadata | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        block_id = self.block_id

        id = self.id

        input_default: dict[str, Any] | Unset = UNSET
        if not isinstance(self.input_default, Unset):
            input_default = self.input_default.to_dict()

        metadata: dict[str, Any] | Unset = UNSET
        if not isinstance(self.metadata, Unset):
            metadata = self.metadata.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "block_id": block_id,
            }
        )
        if id is not UNSET:
            field_dict["id"] = id
        if input_default is not UNSET:
            field_dict["input_default"] = input_default
        if metadata is not UNSET:
            field_dict["metadata"] = metadata

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.node_input_default import NodeInputDefault
        from ..models.node_metadata import NodeMetadata

        d = dict(src_dict)
        block_id = d.pop("block_id")

        id = d.pop("id", UNSET)

        _input_default = d.pop("input_default", UNSET)
        input_default: NodeInputDefault | Unset
        if isinstance(_input_default, Unset):
            input_default = UNSET
        else:
            input_default = NodeInputDefault.from_dict(_input_default)

        _metadata = d.pop("metadata", UNSET)
        metadata: NodeMetadata | Unset
        if isinstance(_metadata, Unset):
            metadata = UNSET
        else:
            metadata = NodeMetadata.from_dict(_metadata)

        node = cls(
            block_id=block_id,
            id=id,
            input_default=input_default,
            metadata=metadata,
        )

        node.additional_properties = d
        return node

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
