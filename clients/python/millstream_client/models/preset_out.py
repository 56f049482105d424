from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.preset_out_credentials_inputs import PresetOutCredentialsInputs
    from ..models.preset_out_inputs import PresetOutInputs
    from ..models.preset_out_nodes_input_masks_type_0 import PresetOutNodesInputMasksType0


T = TypeVar("T", bound="PresetOut")


@_attrs_define
class PresetOut:
    """A preset.

    Attributes:
        id (UUID):
        user_id (UUID):
        graph_id (UUID):
        graph_version (int | None):
        name (str):
        description (str):
        inputs (PresetOutInputs):
        nodes_input_masks (None | PresetOutNodesInputMasksType0):
        credentials_inputs (PresetOutCredentialsInputs):
        is_active (bool):
        created_at (datetime.datetime):
        updated_at (datetime.datetime):
    """

    id: UUID
    user_id: UUID
    graph_id: UUID
    graph_version: int | None
    name: str
    description: str
    inputs: PresetOutInputs
    nodes_input_masks: None | PresetOutNodesInputMasksType0
    credentials_inputs: PresetOutCredentialsInputs
    is_active: bool
    created_at: datetime.datetime
    updated_at: datetime.datetime
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.preset_out_nodes_input_masks_type_0 import PresetOutNodesInputMasksType0

        id = str(self.id)

        user_id = str(self.user_id)

        graph_id = str(self.graph_id)

        graph_version: int | None
        graph_version = self.graph_version

        name = self.name

        description = self.description

        inputs = self.inputs.to_dict()

        nodes_input_masks: dict[str, Any] | None
        if isinstance(self.nodes_input_masks, PresetOutNodesInputMasksType0):
            nodes_input_masks = self.nodes_input_masks.to_dict()
        else:
            nodes_input_masks = self.nodes_input_masks

        credentials_inputs = self.credentials_inputs.to_dict()

        is_active = self.is_active

        created_at = self.created_at.isoformat()

        updated_at = self.updated_at.isoformat()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "user_id": user_id,
                "graph_id": graph_id,
                "graph_version": graph_version,
                "name": name,
                "description": description,
                "inputs": inputs,
                "nodes_input_masks": nodes_input_masks,
                "credentials_inputs": credentials_inputs,
                "is_active": is_active,
                "created_at": created_at,
                "updated_at": updated_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.preset_out_credentials_inputs import PresetOutCredentialsInputs
        from ..models.preset_out_inputs import PresetOutInputs
        from ..models.preset_out_nodes_input_masks_type_0 import PresetOutNodesInputMasksType0

        d = dict(src_dict)
        id = UUID(d.pop("id"))

        user_id = UUID(d.pop("user_id"))

        graph_id = UUID(d.pop("graph_id"))

        def _parse_graph_version(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        graph_version = _parse_graph_version(d.pop("graph_version"))

        name = d.pop("name")

        description = d.pop("description")

        inputs = PresetOutInputs.from_dict(d.pop("inputs"))

        def _parse_nodes_input_masks(data: object) -> None | PresetOutNodesInputMasksType0:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                nodes_input_masks_type_0 = PresetOutNodesInputMasksType0.from_dict(data)

                return nodes_input_masks_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | PresetOutNodesInputMasksType0, data)

        nodes_input_masks = _parse_nodes_input_masks(d.pop("nodes_input_masks"))

        credentials_inputs = PresetOutCredentialsInputs.from_dict(d.pop("credentials_inputs"))

        is_active = d.pop("is_active")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        updated_at = datetime.datetime.fromisoformat(d.pop("updated_at"))

        preset_out = cls(
            id=id,
            user_id=user_id,
            graph_id=graph_id,
            graph_version=graph_version,
            name=name,
            description=description,
            inputs=inputs,
            nodes_input_masks=nodes_input_masks,
            credentials_inputs=credentials_inputs,
            is_active=is_active,
            created_at=created_at,
            updated_at=updated_at,
        )

        preset_out.additional_properties = d
        return preset_out

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
