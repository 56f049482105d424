from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.link import Link
    from ..models.node_out import NodeOut


T = TypeVar("T", bound="SubGraphOut")


@_attrs_define
class SubGraphOut:
    """A graph that runs inside another.

    Attributes:
        id (str):
        version (int):
        is_active (bool):
        name (str):
        description (str):
        instructions (None | str):
        recommended_schedule_cron (None | str):
        forked_from_id (None | str):
        forked_from_version (int | None):
        nodes (list[NodeOut]):
        links (list[Link]):
    """

    id: str
    version: int
    is_active: bool
    name: str
    description: str
    instructions: None | str
    recommended_schedule_cron: None | str
    forked_from_id: None | str
    forked_from_version: int | None
    nodes: list[NodeOut]
    links: list[Link]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        version = self.version

        is_active = self.is_active

        name = self.name

        description = self.description

        instructions: None | str
        instructions = self.instructions

        recommended_schedule_cron: None | str
        recommended_schedule_cron = self.recommended_schedule_cron

        forked_from_id: None | str
        forked_from_id = self.forked_from_id

        forked_from_version: int | None
        forked_from_version = self.forked_from_version

        nodes = []
        for nodes_item_data in self.nodes:
            nodes_item = nodes_item_data.to_dict()
            nodes.append(nodes_item)

        links = []
        for links_item_data in self.links:
            links_item = links_item_data.to_dict()
            links.append(links_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "version": version,
                "is_active": is_active,
                "name": name,
                "description": description,
                "instructions": instructions,
                "recommended_schedule_cron": recommended_schedule_cron,
                "forked_from_id": forked_from_id,
                "forked_from_version": forked_from_version,
                "nodes": nodes,
                "links": links,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.link import Link
        from ..models.node_out import NodeOut

        d = dict(src_dict)
        id = d.pop("id")

        version = d.pop("version")

        is_active = d.pop("is_active")

        name = d.pop("name")

        description = d.pop("description")

        def _parse_instructions(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        instructions = _parse_instructions(d.pop("instructions"))

        def _parse_recommended_schedule_cron(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        recommended_schedule_cron = _parse_recommended_schedule_cron(d.pop("recommended_schedule_cron"))

        def _parse_forked_from_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        forked_from_id = _parse_forked_from_id(d.pop("forked_from_id"))

        def _parse_forked_from_version(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        forked_from_version = _parse_forked_from_version(d.pop("forked_from_version"))

        nodes = []
        _nodes = d.pop("nodes")
        for nodes_item_data in _nodes:
            nodes_item = NodeOut.from_dict(nodes_item_data)

            nodes.append(nodes_item)

        links = []
        _links = d.pop("links")
        for links_item_data in _links:
            links_item = Link.from_dict(links_item_data)

            links.append(links_item)

        sub_graph_out = cls(
            id=id,
            version=version,
            is_active=is_active,
            name=name,
            description=description,
            instructions=instructions,
            recommended_schedule_cron=recommended_schedule_cron,
            forked_from_id=forked_from_id,
            forked_from_version=forked_from_version,
            nodes=nodes,
            links=links,
        )

        sub_graph_out.additional_properties = d
        return sub_graph_out

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
