from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.link import Link
    from ..models.node_out_input_default import NodeOutInputDefault
    from ..models.node_out_metadata import NodeOutMetadata


T = TypeVar("T", bound="NodeOut")


@_attrs_define
class NodeOut:
    """A node as saved.

    Attributes:
        id (str):
        block_id (str):
        input_default (NodeOutInputDefault):
        metadata (NodeOutMetadata):
        input_links (list[Link]):
        output_links (list[Link]):
        graph_id (str):
        graph_version (int):
        webhook_id (None | str):
    """

    id: str
    block_id: str
    input_default: NodeOutInputDefault
    metadata: NodeOutMetadata
    input_links: list[Link]
    output_links: list[Link]
    graph_id: str
    graph_version: int
    webhook_id: None | str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        block_id = self.block_id

        input_default = self.input_default.to_dict()

        metadata = self.metadata.to_dict()

        input_links = []
        for input_links_item_data in self.input_links:
            input_links_item = input_links_item_data.to_dict()
            input_links.append(input_links_item)

        output_links = []
        for output_links_item_data in self.output_links:
            output_links_item = output_links_item_data.to_dict()
            output_links.append(output_links_item)

        graph_id = self.graph_id

        graph_version = self.graph_version

        webhook_id: None | str
        webhook_id = self.webhook_id

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "block_id": block_id,
                "input_default": input_default,
                "metadata": metadata,
                "input_links": input_links,
                "output_links": output_links,
                "graph_id": graph_id,
                "graph_version": graph_version,
                "webhook_id": webhook_id,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.link import Link
        from ..models.node_out_input_default import NodeOutInputDefault
        from ..models.node_out_metadata import NodeOutMetadata

        d = dict(src_dict)
        id = d.pop("id")

        block_id = d.pop("block_id")

        input_default = NodeOutInputDefault.from_dict(d.pop("input_default"))

        metadata = NodeOutMetadata.from_dict(d.pop("metadata"))

        input_links = []
        _input_links = d.pop("input_links")
        for input_links_item_data in _input_links:
            input_links_item = Link.from_dict(input_links_item_data)

            input_links.append(input_links_item)

        output_links = []
        _output_links = d.pop("output_links")
        for output_links_item_data in _output_links:
            output_links_item = Link.from_dict(output_links_item_data)

            output_links.append(output_links_item)

        graph_id = d.pop("graph_id")

        graph_version = d.pop("graph_version")

        def _parse_webhook_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        webhook_id = _parse_webhook_id(d.pop("webhook_id"))

        node_out = cls(
            id=id,
            block_id=block_id,
            input_default=input_default,
            metadata=metadata,
            input_links=input_links,
            output_links=output_links,
            graph_id=graph_id,
            graph_version=graph_version,
            webhook_id=webhook_id,
        )

        node_out.additional_properties = d
        return node_out

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
