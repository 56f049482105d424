from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.graph_out_credentials_input_schema import GraphOutCredentialsInputSchema
    from ..models.graph_out_input_schema import GraphOutInputSchema
    from ..models.graph_out_output_schema import GraphOutOutputSchema
    from ..models.graph_out_trigger_setup_info_type_0 import GraphOutTriggerSetupInfoType0
    from ..models.link import Link
    from ..models.node_out import NodeOut
    from ..models.problem_out import ProblemOut
    from ..models.sub_graph_out import SubGraphOut


T = TypeVar("T", bound="GraphOut")


@_attrs_define
class GraphOut:
    """A saved graph in AutoGPT's form; `draft` and `problems` are ours.

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
        user_id (UUID):
        created_at (datetime.datetime):
        sub_graphs (list[SubGraphOut]):
        input_schema (GraphOutInputSchema):
        output_schema (GraphOutOutputSchema):
        credentials_input_schema (GraphOutCredentialsInputSchema):
        has_external_trigger (bool):
        has_human_in_the_loop (bool):
        has_sensitive_action (bool):
        trigger_setup_info (GraphOutTriggerSetupInfoType0 | None):
        draft (bool):
        problems (list[ProblemOut]):
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
    user_id: UUID
    created_at: datetime.datetime
    sub_graphs: list[SubGraphOut]
    input_schema: GraphOutInputSchema
    output_schema: GraphOutOutputSchema
    credentials_input_schema: GraphOutCredentialsInputSchema
    has_external_trigger: bool
    has_human_in_the_loop: bool
    has_sensitive_action: bool
    trigger_setup_info: GraphOutTriggerSetupInfoType0 | None
    draft: bool
    problems: list[ProblemOut]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.graph_out_trigger_setup_info_type_0 import GraphOutTriggerSetupInfoType0

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

        user_id = str(self.user_id)

        created_at = self.created_at.isoformat()

        sub_graphs = []
        for sub_graphs_item_data in self.sub_graphs:
            sub_graphs_item = sub_graphs_item_data.to_dict()
            sub_graphs.append(sub_graphs_item)

        input_schema = self.input_schema.to_dict()

        output_schema = self.output_schema.to_dict()

        credentials_input_schema = self.credentials_input_schema.to_dict()

        has_external_trigger = self.has_external_trigger

        has_human_in_the_loop = self.has_human_in_the_loop

        has_sensitive_action = self.has_sensitive_action

        trigger_setup_info: dict[str, Any] | None
        if isinstance(self.trigger_setup_info, GraphOutTriggerSetupInfoType0):
            trigger_setup_info = self.trigger_setup_info.to_dict()
        else:
            trigger_setup_info = self.trigger_setup_info

        draft = self.draft

        problems = []
        for problems_item_data in self.problems:
            problems_item = problems_item_data.to_dict()
            problems.append(problems_item)

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
                "user_id": user_id,
                "created_at": created_at,
                "sub_graphs": sub_graphs,
                "input_schema": input_schema,
                "output_schema": output_schema,
                "credentials_input_schema": credentials_input_schema,
                "has_external_trigger": has_external_trigger,
                "has_human_in_the_loop": has_human_in_the_loop,
                "has_sensitive_action": has_sensitive_action,
                "trigger_setup_info": trigger_setup_info,
                "draft": draft,
                "problems": problems,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.graph_out_credentials_input_schema import GraphOutCredentialsInputSchema
        from ..models.graph_out_input_schema import GraphOutInputSchema
        from ..models.graph_out_output_schema import GraphOutOutputSchema
        from ..models.graph_out_trigger_setup_info_type_0 import GraphOutTriggerSetupInfoType0
        from ..models.link import Link
        from ..models.node_out import NodeOut
        from ..models.problem_out import ProblemOut
        from ..models.sub_graph_out import SubGraphOut

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

        user_id = UUID(d.pop("user_id"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        sub_graphs = []
        _sub_graphs = d.pop("sub_graphs")
        for sub_graphs_item_data in _sub_graphs:
            sub_graphs_item = SubGraphOut.from_dict(sub_graphs_item_data)

            sub_graphs.append(sub_graphs_item)

        input_schema = GraphOutInputSchema.from_dict(d.pop("input_schema"))

        output_schema = GraphOutOutputSchema.from_dict(d.pop("output_schema"))

        credentials_input_schema = GraphOutCredentialsInputSchema.from_dict(d.pop("credentials_input_schema"))

        has_external_trigger = d.pop("has_external_trigger")

        has_human_in_the_loop = d.pop("has_human_in_the_loop")

        has_sensitive_action = d.pop("has_sensitive_action")

        def _parse_trigger_setup_info(data: object) -> GraphOutTriggerSetupInfoType0 | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                trigger_setup_info_type_0 = GraphOutTriggerSetupInfoType0.from_dict(data)

                return trigger_setup_info_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(GraphOutTriggerSetupInfoType0 | None, data)

        trigger_setup_info = _parse_trigger_setup_info(d.pop("trigger_setup_info"))

        draft = d.pop("draft")

        problems = []
        _problems = d.pop("problems")
        for problems_item_data in _problems:
            problems_item = ProblemOut.from_dict(problems_item_data)

            problems.append(problems_item)

        graph_out = cls(
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
            user_id=user_id,
            created_at=created_at,
            sub_graphs=sub_graphs,
            input_schema=input_schema,
            output_schema=output_schema,
            credentials_input_schema=credentials_input_schema,
            has_external_trigger=has_external_trigger,
            has_human_in_the_loop=has_human_in_the_loop,
            has_sensitive_action=has_sensitive_action,
            trigger_setup_info=trigger_setup_info,
            draft=draft,
            problems=problems,
        )

        graph_out.additional_properties = d
        return graph_out

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
