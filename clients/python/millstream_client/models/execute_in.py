from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.execute_in_credentials_inputs import ExecuteInCredentialsInputs
    from ..models.execute_in_inputs import ExecuteInInputs
    from ..models.execute_in_nodes_input_masks_type_0 import ExecuteInNodesInputMasksType0


T = TypeVar("T", bound="ExecuteIn")


@_attrs_define
class ExecuteIn:
    """A wish to run a graph.

    Attributes:
        inputs (ExecuteInInputs | Unset): Values by name of the graph's inputs.
        nodes_input_masks (ExecuteInNodesInputMasksType0 | None | Unset): Values by node id and pin, laid over whatever
            else arrives there.
        version (int | None | Unset): Version of the graph; default: the active one.
        human_in_the_loop_safe_mode (bool | Unset): Review blocks wait for a person. Default: True.
        sensitive_action_safe_mode (bool | Unset): Sensitive blocks wait for a person. Default: False.
        dry_run (bool | Unset): No effects outside; blocks are imitated. Default: False.
        test (bool | Unset): A test run: nodes with pinned data emit it instead of running. Default: False.
        wall_time_s (float | None | Unset): Time limit of the run, in seconds.
        budget_microusd (int | None | Unset): What the run may cost, in millionths of a US dollar; it fails with code
            `over_budget` beyond.
        timezone (str | Unset): IANA zone for blocks that tell the time. Default: 'UTC'.
        credentials_inputs (ExecuteInCredentialsInputs | Unset): Credentials by the names in the graph's
            `credentials_input_schema`: `{"id", "provider", "type"}`, or only the id.
        source (None | str | Unset): Where the wish comes from, for AutoGPT's clients; not used.
    """

    inputs: ExecuteInInputs | Unset = UNSET
    nodes_input_masks: ExecuteInNodesInputMasksType0 | None | Unset = UNSET
    version: int | None | Unset = UNSET
    human_in_the_loop_safe_mode: bool | Unset = True
    sensitive_action_safe_mode: bool | Unset = False
    dry_run: bool | Unset = False
    test: bool | Unset = False
    wall_time_s: float | None | Unset = UNSET
    budget_microusd: int | None | Unset = UNSET
    timezone: str | Unset = "UTC"
    credentials_inputs: ExecuteInCredentialsInputs | Unset = UNSET
    source: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.execute_in_nodes_input_masks_type_0 import ExecuteInNodesInputMasksType0

        inputs: dict[str, Any] | Unset = UNSET
        if not isinstance(self.inputs, Unset):
            inputs = self.inputs.to_dict()

        nodes_input_masks: dict[str, Any] | None | Unset
        if isinstance(self.nodes_input_masks, Unset):
            nodes_input_masks = UNSET
        elif isinstance(self.nodes_input_masks, ExecuteInNodesInputMasksType0):
            nodes_input_masks = self.nodes_input_masks.to_dict()
        else:
            nodes_input_masks = self.nodes_input_masks

        version: int | None | Unset
        if isinstance(self.version, Unset):
            version = UNSET
        else:
            version = self.version

        human_in_the_loop_safe_mode = self.human_in_the_loop_safe_mode

        sensitive_action_safe_mode = self.sensitive_action_safe_mode

        dry_run = self.dry_run

        test = self.test

        wall_time_s: float | None | Unset
        if isinstance(self.wall_time_s, Unset):
            wall_time_s = UNSET
        else:
            wall_time_s = self.wall_time_s

        budget_microusd: int | None | Unset
        if isinstance(self.budget_microusd, Unset):
            budget_microusd = UNSET
        else:
            budget_microusd = self.budget_microusd

        timezone = self.timezone

        credentials_inputs: dict[str, Any] | Unset = UNSET
        if not isinstance(self.credentials_inputs, Unset):
            credentials_inputs = self.credentials_inputs.to_dict()

        source: None | str | Unset
        if isinstance(self.source, Unset):
            source = UNSET
        else:
            source = self.source

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if inputs is not UNSET:
            field_dict["inputs"] = inputs
        if nodes_input_masks is not UNSET:
            field_dict["nodes_input_masks"] = nodes_input_masks
        if version is not UNSET:
            field_dict["version"] = version
        if human_in_the_loop_safe_mode is not UNSET:
            field_dict["human_in_the_loop_safe_mode"] = human_in_the_loop_safe_mode
        if sensitive_action_safe_mode is not UNSET:
            field_dict["sensitive_action_safe_mode"] = sensitive_action_safe_mode
        if dry_run is not UNSET:
            field_dict["dry_run"] = dry_run
        if test is not UNSET:
            field_dict["test"] = test
        if wall_time_s is not UNSET:
            field_dict["wall_time_s"] = wall_time_s
        if budget_microusd is not UNSET:
            field_dict["budget_microusd"] = budget_microusd
        if timezone is not UNSET:
            field_dict["timezone"] = timezone
        if credentials_inputs is not UNSET:
            field_dict["credentials_inputs"] = credentials_inputs
        if source is not UNSET:
            field_dict["source"] = source

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.execute_in_credentials_inputs import ExecuteInCredentialsInputs
        from ..models.execute_in_inputs import ExecuteInInputs
        from ..models.execute_in_nodes_input_masks_type_0 import ExecuteInNodesInputMasksType0

        d = dict(src_dict)
        _inputs = d.pop("inputs", UNSET)
        inputs: ExecuteInInputs | Unset
        if isinstance(_inputs, Unset):
            inputs = UNSET
        else:
            inputs = ExecuteInInputs.from_dict(_inputs)

        def _parse_nodes_input_masks(data: object) -> ExecuteInNodesInputMasksType0 | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                nodes_input_masks_type_0 = ExecuteInNodesInputMasksType0.from_dict(data)

                return nodes_input_masks_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(ExecuteInNodesInputMasksType0 | None | Unset, data)

        nodes_input_masks = _parse_nodes_input_masks(d.pop("nodes_input_masks", UNSET))

        def _parse_version(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        version = _parse_version(d.pop("version", UNSET))

        human_in_the_loop_safe_mode = d.pop("human_in_the_loop_safe_mode", UNSET)

        sensitive_action_safe_mode = d.pop("sensitive_action_safe_mode", UNSET)

        dry_run = d.pop("dry_run", UNSET)

        test = d.pop("test", UNSET)

        def _parse_wall_time_s(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        wall_time_s = _parse_wall_time_s(d.pop("wall_time_s", UNSET))

        def _parse_budget_microusd(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        budget_microusd = _parse_budget_microusd(d.pop("budget_microusd", UNSET))

        timezone = d.pop("timezone", UNSET)

        _credentials_inputs = d.pop("credentials_inputs", UNSET)
        credentials_inputs: ExecuteInCredentialsInputs | Unset
        if isinstance(_credentials_inputs, Unset):
            credentials_inputs = UNSET
        else:
            credentials_inputs = ExecuteInCredentialsInputs.from_dict(_credentials_inputs)

        def _parse_source(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        source = _parse_source(d.pop("source", UNSET))

        execute_in = cls(
            inputs=inputs,
            nodes_input_masks=nodes_input_masks,
            version=version,
            human_in_the_loop_safe_mode=human_in_the_loop_safe_mode,
            sensitive_action_safe_mode=sensitive_action_safe_mode,
            dry_run=dry_run,
            test=test,
            wall_time_s=wall_time_s,
            budget_microusd=budget_microusd,
            timezone=timezone,
            credentials_inputs=credentials_inputs,
            source=source,
        )

        return execute_in
