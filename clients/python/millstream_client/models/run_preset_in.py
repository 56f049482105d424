from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.run_preset_in_credentials_inputs import RunPresetInCredentialsInputs
    from ..models.run_preset_in_inputs import RunPresetInInputs


T = TypeVar("T", bound="RunPresetIn")


@_attrs_define
class RunPresetIn:
    """What this one run has otherwise than the preset.

    Attributes:
        inputs (RunPresetInInputs | Unset): Values by name of the graph's inputs.
        credentials_inputs (RunPresetInCredentialsInputs | Unset): Credentials by name of the graph's inputs for them.
        dry_run (bool | Unset):  Default: False.
    """

    inputs: RunPresetInInputs | Unset = UNSET
    credentials_inputs: RunPresetInCredentialsInputs | Unset = UNSET
    dry_run: bool | Unset = False

    def to_dict(self) -> dict[str, Any]:
        inputs: dict[str, Any] | Unset = UNSET
        if not isinstance(self.inputs, Unset):
            inputs = self.inputs.to_dict()

        credentials_inputs: dict[str, Any] | Unset = UNSET
        if not isinstance(self.credentials_inputs, Unset):
            credentials_inputs = self.credentials_inputs.to_dict()

        dry_run = self.dry_run

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if inputs is not UNSET:
            field_dict["inputs"] = inputs
        if credentials_inputs is not UNSET:
            field_dict["credentials_inputs"] = credentials_inputs
        if dry_run is not UNSET:
            field_dict["dry_run"] = dry_run

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.run_preset_in_credentials_inputs import RunPresetInCredentialsInputs
        from ..models.run_preset_in_inputs import RunPresetInInputs

        d = dict(src_dict)
        _inputs = d.pop("inputs", UNSET)
        inputs: RunPresetInInputs | Unset
        if isinstance(_inputs, Unset):
            inputs = UNSET
        else:
            inputs = RunPresetInInputs.from_dict(_inputs)

        _credentials_inputs = d.pop("credentials_inputs", UNSET)
        credentials_inputs: RunPresetInCredentialsInputs | Unset
        if isinstance(_credentials_inputs, Unset):
            credentials_inputs = UNSET
        else:
            credentials_inputs = RunPresetInCredentialsInputs.from_dict(_credentials_inputs)

        dry_run = d.pop("dry_run", UNSET)

        run_preset_in = cls(
            inputs=inputs,
            credentials_inputs=credentials_inputs,
            dry_run=dry_run,
        )

        return run_preset_in
