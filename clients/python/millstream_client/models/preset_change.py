from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.preset_change_credentials_inputs import PresetChangeCredentialsInputs
    from ..models.preset_change_inputs import PresetChangeInputs
    from ..models.preset_change_nodes_input_masks_type_0 import PresetChangeNodesInputMasksType0


T = TypeVar("T", bound="PresetChange")


@_attrs_define
class PresetChange:
    """What is changed of a preset. What is left out stays.

    Attributes:
        graph_version (int | None | Unset):
        name (str | Unset):  Default: ''.
        description (str | Unset):  Default: ''.
        inputs (PresetChangeInputs | Unset): Values by name of the graph's inputs.
        nodes_input_masks (None | PresetChangeNodesInputMasksType0 | Unset):
        credentials_inputs (PresetChangeCredentialsInputs | Unset): Credentials by name of the graph's inputs for them.
        is_active (bool | Unset):  Default: True.
    """

    graph_version: int | None | Unset = UNSET
    name: str | Unset = ""
    description: str | Unset = ""
    inputs: PresetChangeInputs | Unset = UNSET
    nodes_input_masks: None | PresetChangeNodesInputMasksType0 | Unset = UNSET
    credentials_inputs: PresetChangeCredentialsInputs | Unset = UNSET
    is_active: bool | Unset = True

    def to_dict(self) -> dict[str, Any]:
        from ..models.preset_change_nodes_input_masks_type_0 import PresetChangeNodesInputMasksType0

        graph_version: int | None | Unset
        if isinstance(self.graph_version, Unset):
            graph_version = UNSET
        else:
            graph_version = self.graph_version

        name = self.name

        description = self.description

        inputs: dict[str, Any] | Unset = UNSET
        if not isinstance(self.inputs, Unset):
            inputs = self.inputs.to_dict()

        nodes_input_masks: dict[str, Any] | None | Unset
        if isinstance(self.nodes_input_masks, Unset):
            nodes_input_masks = UNSET
        elif isinstance(self.nodes_input_masks, PresetChangeNodesInputMasksType0):
            nodes_input_masks = self.nodes_input_masks.to_dict()
        else:
            nodes_input_masks = self.nodes_input_masks

        credentials_inputs: dict[str, Any] | Unset = UNSET
        if not isinstance(self.credentials_inputs, Unset):
            credentials_inputs = self.credentials_inputs.to_dict()

        is_active = self.is_active

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if graph_version is not UNSET:
            field_dict["graph_version"] = graph_version
        if name is not UNSET:
            field_dict["name"] = name
        if description is not UNSET:
            field_dict["description"] = description
        if inputs is not UNSET:
            field_dict["inputs"] = inputs
        if nodes_input_masks is not UNSET:
            field_dict["nodes_input_masks"] = nodes_input_masks
        if credentials_inputs is not UNSET:
            field_dict["credentials_inputs"] = credentials_inputs
        if is_active is not UNSET:
            field_dict["is_active"] = is_active

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.preset_change_credentials_inputs import PresetChangeCredentialsInputs
        from ..models.preset_change_inputs import PresetChangeInputs
        from ..models.preset_change_nodes_input_masks_type_0 import PresetChangeNodesInputMasksType0

        d = dict(src_dict)

        def _parse_graph_version(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        graph_version = _parse_graph_version(d.pop("graph_version", UNSET))

        name = d.pop("name", UNSET)

        description = d.pop("description", UNSET)

        _inputs = d.pop("inputs", UNSET)
        inputs: PresetChangeInputs | Unset
        if isinstance(_inputs, Unset):
            inputs = UNSET
        else:
            inputs = PresetChangeInputs.from_dict(_inputs)

        def _parse_nodes_input_masks(data: object) -> None | PresetChangeNodesInputMasksType0 | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                nodes_input_masks_type_0 = PresetChangeNodesInputMasksType0.from_dict(data)

                return nodes_input_masks_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | PresetChangeNodesInputMasksType0 | Unset, data)

        nodes_input_masks = _parse_nodes_input_masks(d.pop("nodes_input_masks", UNSET))

        _credentials_inputs = d.pop("credentials_inputs", UNSET)
        credentials_inputs: PresetChangeCredentialsInputs | Unset
        if isinstance(_credentials_inputs, Unset):
            credentials_inputs = UNSET
        else:
            credentials_inputs = PresetChangeCredentialsInputs.from_dict(_credentials_inputs)

        is_active = d.pop("is_active", UNSET)

        preset_change = cls(
            graph_version=graph_version,
            name=name,
            description=description,
            inputs=inputs,
            nodes_input_masks=nodes_input_masks,
            credentials_inputs=credentials_inputs,
            is_active=is_active,
        )

        return preset_change
