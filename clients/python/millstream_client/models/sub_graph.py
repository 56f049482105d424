from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.link import Link
    from ..models.node import Node


T = TypeVar("T", bound="SubGraph")


@_attrs_define
class SubGraph:
    """A graph without the graphs that it runs.

    Attributes:
        name (str):
        description (str):
        id (str | Unset):
        version (int | Unset):  Default: 1.
        is_active (bool | Unset):  Default: True.
        instructions (None | str | Unset):
        recommended_schedule_cron (None | str | Unset):
        forked_from_id (None | str | Unset):
        forked_from_version (int | None | Unset):
        nodes (list[Node] | Unset):
        links (list[Link] | Unset):
    """

    name: str
    description: str
    id: str | Unset = UNSET
    version: int | Unset = 1
    is_active: bool | Unset = True
    instructions: None | str | Unset = UNSET
    recommended_schedule_cron: None | str | Unset = UNSET
    forked_from_id: None | str | Unset = UNSET
    forked_from_version: int | None | Unset = UNSET
    nodes: list[Node] | Unset = UNSET
    links: list[Link] | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        description = self.description

        id = self.id

        version = self.version

        is_active = self.is_active

        instructions: None | str | Unset
        if isinstance(self.instructions, Unset):
            instructions = UNSET
        else:
            instructions = self.instructions

        recommended_schedule_cron: None | str | Unset
        if isinstance(self.recommended_schedule_cron, Unset):
            recommended_schedule_cron = UNSET
        else:
            recommended_schedule_cron = self.recommended_schedule_cron

        forked_from_id: None | str | Unset
        if isinstance(self.forked_from_id, Unset):
            forked_from_id = UNSET
        else:
            forked_from_id = self.forked_from_id

        forked_from_version: int | None | Unset
        if isinstance(self.forked_from_version, Unset):
            forked_from_version = UNSET
        else:
            forked_from_version = self.forked_from_version

        nodes: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.nodes, Unset):
            nodes = []
            for nodes_item_data in self.nodes:
                nodes_item = nodes_item_data.to_dict()
                nodes.append(nodes_item)

        links: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.links, Unset):
            links = []
            for links_item_data in self.links:
                links_item = links_item_data.to_dict()
                links.append(links_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "name": name,
                "description": description,
            }
        )
        if id is not UNSET:
            field_dict["id"] = id
        if version is not UNSET:
            field_dict["version"] = version
        if is_active is not UNSET:
            field_dict["is_active"] = is_active
        if instructions is not UNSET:
            field_dict["instructions"] = instructions
        if recommended_schedule_cron is not UNSET:
            field_dict["recommended_schedule_cron"] = recommended_schedule_cron
        if forked_from_id is not UNSET:
            field_dict["forked_from_id"] = forked_from_id
        if forked_from_version is not UNSET:
            field_dict["forked_from_version"] = forked_from_version
        if nodes is not UNSET:
            field_dict["nodes"] = nodes
        if links is not UNSET:
            field_dict["links"] = links

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.link import Link
        from ..models.node import Node

        d = dict(src_dict)
        name = d.pop("name")

        description = d.pop("description")

        id = d.pop("id", UNSET)

        version = d.pop("version", UNSET)

        is_active = d.pop("is_active", UNSET)

        def _parse_instructions(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        instructions = _parse_instructions(d.pop("instructions", UNSET))

        def _parse_recommended_schedule_cron(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        recommended_schedule_cron = _parse_recommended_schedule_cron(
            d.pop("recommended_schedule_cron", UNSET)
        )

        def _parse_forked_from_id(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        forked_from_id = _parse_forked_from_id(d.pop("forked_from_id", UNSET))

        def _parse_forked_from_version(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        forked_from_version = _parse_forked_from_version(d.pop("forked_from_version", UNSET))

        _nodes = d.pop("nodes", UNSET)
        nodes: list[Node] | Unset = UNSET
        if _nodes is not UNSET:
            nodes = []
            for nodes_item_data in _nodes:
                nodes_item = Node.from_dict(nodes_item_data)

                nodes.append(nodes_item)

        _links = d.pop("links", UNSET)
        links: list[Link] | Unset = UNSET
        if _links is not UNSET:
            links = []
            for links_item_data in _links:
                links_item = Link.from_dict(links_item_data)

                links.append(links_item)

        sub_graph = cls(
            name=name,
            description=description,
            id=id,
            version=version,
            is_active=is_active,
            instructions=instructions,
            recommended_schedule_cron=recommended_schedule_cron,
            forked_from_id=forked_from_id,
            forked_from_version=forked_from_version,
            nodes=nodes,
            links=links,
        )

        sub_graph.additional_properties = d
        return sub_graph

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
