from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.run_in_inputs import RunInInputs


T = TypeVar("T", bound="RunIn")


@_attrs_define
class RunIn:
    """Inputs of a block, by pin.

    Attributes:
        inputs (RunInInputs | Unset):
    """

    inputs: RunInInputs | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        inputs: dict[str, Any] | Unset = UNSET
        if not isinstance(self.inputs, Unset):
            inputs = self.inputs.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if inputs is not UNSET:
            field_dict["inputs"] = inputs

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.run_in_inputs import RunInInputs

        d = dict(src_dict)
        _inputs = d.pop("inputs", UNSET)
        inputs: RunInInputs | Unset
        if isinstance(_inputs, Unset):
            inputs = UNSET
        else:
            inputs = RunInInputs.from_dict(_inputs)

        run_in = cls(
            inputs=inputs,
        )

        return run_in
