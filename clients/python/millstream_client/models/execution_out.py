from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.execution_out_kind import ExecutionOutKind
from ..models.execution_out_status import ExecutionOutStatus

if TYPE_CHECKING:
    from ..models.execution_out_credential_inputs_type_0 import ExecutionOutCredentialInputsType0
    from ..models.execution_out_failure_type_0 import ExecutionOutFailureType0
    from ..models.execution_out_inputs import ExecutionOutInputs
    from ..models.execution_out_nodes_input_masks_type_0 import ExecutionOutNodesInputMasksType0
    from ..models.execution_out_outputs import ExecutionOutOutputs
    from ..models.execution_out_reason_type_0 import ExecutionOutReasonType0
    from ..models.execution_out_stats import ExecutionOutStats
    from ..models.execution_out_verdict_type_0 import ExecutionOutVerdictType0
    from ..models.node_execution_out import NodeExecutionOut


T = TypeVar("T", bound="ExecutionOut")


@_attrs_define
class ExecutionOut:
    """An execution with its values. A value that is too large for the answer is `{"$ref": path to download}`.

    Attributes:
        id (UUID):
        user_id (UUID):
        graph_id (None | UUID):
        graph_version (int | None):
        kind (ExecutionOutKind):
        status (ExecutionOutStatus):
        created_at (datetime.datetime):
        started_at (datetime.datetime | None):
        ended_at (datetime.datetime | None):
        is_dry_run (bool):
        parent_execution_id (None | UUID):
        preset_id (None | UUID):
        stats (ExecutionOutStats):
        verdict (ExecutionOutVerdictType0 | None):
        failure (ExecutionOutFailureType0 | None):
        reason (ExecutionOutReasonType0 | None):
        inputs (ExecutionOutInputs):
        credential_inputs (ExecutionOutCredentialInputsType0 | None):
        nodes_input_masks (ExecutionOutNodesInputMasksType0 | None):
        outputs (ExecutionOutOutputs):
        node_executions (list[NodeExecutionOut]):
        next_node_offset (int | None):
        sequence (int):
    """

    id: UUID
    user_id: UUID
    graph_id: None | UUID
    graph_version: int | None
    kind: ExecutionOutKind
    status: ExecutionOutStatus
    created_at: datetime.datetime
    started_at: datetime.datetime | None
    ended_at: datetime.datetime | None
    is_dry_run: bool
    parent_execution_id: None | UUID
    preset_id: None | UUID
    stats: ExecutionOutStats
    verdict: ExecutionOutVerdictType0 | None
    failure: ExecutionOutFailureType0 | None
    reason: ExecutionOutReasonType0 | None
    inputs: ExecutionOutInputs
    credential_inputs: ExecutionOutCredentialInputsType0 | None
    nodes_input_masks: ExecutionOutNodesInputMasksType0 | None
    outputs: ExecutionOutOutputs
    node_executions: list[NodeExecutionOut]
    next_node_offset: int | None
    sequence: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.execution_out_credential_inputs_type_0 import ExecutionOutCredentialInputsType0
        from ..models.execution_out_failure_type_0 import ExecutionOutFailureType0
        from ..models.execution_out_nodes_input_masks_type_0 import ExecutionOutNodesInputMasksType0
        from ..models.execution_out_reason_type_0 import ExecutionOutReasonType0
        from ..models.execution_out_verdict_type_0 import ExecutionOutVerdictType0

        id = str(self.id)

        user_id = str(self.user_id)

        graph_id: None | str
        if isinstance(self.graph_id, UUID):
            graph_id = str(self.graph_id)
        else:
            graph_id = self.graph_id

        graph_version: int | None
        graph_version = self.graph_version

        kind = self.kind.value

        status = self.status.value

        created_at = self.created_at.isoformat()

        started_at: None | str
        if isinstance(self.started_at, datetime.datetime):
            started_at = self.started_at.isoformat()
        else:
            started_at = self.started_at

        ended_at: None | str
        if isinstance(self.ended_at, datetime.datetime):
            ended_at = self.ended_at.isoformat()
        else:
            ended_at = self.ended_at

        is_dry_run = self.is_dry_run

        parent_execution_id: None | str
        if isinstance(self.parent_execution_id, UUID):
            parent_execution_id = str(self.parent_execution_id)
        else:
            parent_execution_id = self.parent_execution_id

        preset_id: None | str
        if isinstance(self.preset_id, UUID):
            preset_id = str(self.preset_id)
        else:
            preset_id = self.preset_id

        stats = self.stats.to_dict()

        verdict: dict[str, Any] | None
        if isinstance(self.verdict, ExecutionOutVerdictType0):
            verdict = self.verdict.to_dict()
        else:
            verdict = self.verdict

        failure: dict[str, Any] | None
        if isinstance(self.failure, ExecutionOutFailureType0):
            failure = self.failure.to_dict()
        else:
            failure = self.failure

        reason: dict[str, Any] | None
        if isinstance(self.reason, ExecutionOutReasonType0):
            reason = self.reason.to_dict()
        else:
            reason = self.reason

        inputs = self.inputs.to_dict()

        credential_inputs: dict[str, Any] | None
        if isinstance(self.credential_inputs, ExecutionOutCredentialInputsType0):
            credential_inputs = self.credential_inputs.to_dict()
        else:
            credential_inputs = self.credential_inputs

        nodes_input_masks: dict[str, Any] | None
        if isinstance(self.nodes_input_masks, ExecutionOutNodesInputMasksType0):
            nodes_input_masks = self.nodes_input_masks.to_dict()
        else:
            nodes_input_masks = self.nodes_input_masks

        outputs = self.outputs.to_dict()

        node_executions = []
        for node_executions_item_data in self.node_executions:
            node_executions_item = node_executions_item_data.to_dict()
            node_executions.append(node_executions_item)

        next_node_offset: int | None
        next_node_offset = self.next_node_offset

        sequence = self.sequence

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "user_id": user_id,
                "graph_id": graph_id,
                "graph_version": graph_version,
                "kind": kind,
                "status": status,
                "created_at": created_at,
                "started_at": started_at,
                "ended_at": ended_at,
                "is_dry_run": is_dry_run,
                "parent_execution_id": parent_execution_id,
                "preset_id": preset_id,
                "stats": stats,
                "verdict": verdict,
                "failure": failure,
                "reason": reason,
                "inputs": inputs,
                "credential_inputs": credential_inputs,
                "nodes_input_masks": nodes_input_masks,
                "outputs": outputs,
                "node_executions": node_executions,
                "next_node_offset": next_node_offset,
                "sequence": sequence,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.execution_out_credential_inputs_type_0 import ExecutionOutCredentialInputsType0
        from ..models.execution_out_failure_type_0 import ExecutionOutFailureType0
        from ..models.execution_out_inputs import ExecutionOutInputs
        from ..models.execution_out_nodes_input_masks_type_0 import ExecutionOutNodesInputMasksType0
        from ..models.execution_out_outputs import ExecutionOutOutputs
        from ..models.execution_out_reason_type_0 import ExecutionOutReasonType0
        from ..models.execution_out_stats import ExecutionOutStats
        from ..models.execution_out_verdict_type_0 import ExecutionOutVerdictType0
        from ..models.node_execution_out import NodeExecutionOut

        d = dict(src_dict)
        id = UUID(d.pop("id"))

        user_id = UUID(d.pop("user_id"))

        def _parse_graph_id(data: object) -> None | UUID:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                graph_id_type_0 = UUID(data)

                return graph_id_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | UUID, data)

        graph_id = _parse_graph_id(d.pop("graph_id"))

        def _parse_graph_version(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        graph_version = _parse_graph_version(d.pop("graph_version"))

        kind = ExecutionOutKind(d.pop("kind"))

        status = ExecutionOutStatus(d.pop("status"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        def _parse_started_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                started_at_type_0 = datetime.datetime.fromisoformat(data)

                return started_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        started_at = _parse_started_at(d.pop("started_at"))

        def _parse_ended_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                ended_at_type_0 = datetime.datetime.fromisoformat(data)

                return ended_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        ended_at = _parse_ended_at(d.pop("ended_at"))

        is_dry_run = d.pop("is_dry_run")

        def _parse_parent_execution_id(data: object) -> None | UUID:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                parent_execution_id_type_0 = UUID(data)

                return parent_execution_id_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | UUID, data)

        parent_execution_id = _parse_parent_execution_id(d.pop("parent_execution_id"))

        def _parse_preset_id(data: object) -> None | UUID:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                preset_id_type_0 = UUID(data)

                return preset_id_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | UUID, data)

        preset_id = _parse_preset_id(d.pop("preset_id"))

        stats = ExecutionOutStats.from_dict(d.pop("stats"))

        def _parse_verdict(data: object) -> ExecutionOutVerdictType0 | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                verdict_type_0 = ExecutionOutVerdictType0.from_dict(data)

                return verdict_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(ExecutionOutVerdictType0 | None, data)

        verdict = _parse_verdict(d.pop("verdict"))

        def _parse_failure(data: object) -> ExecutionOutFailureType0 | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                failure_type_0 = ExecutionOutFailureType0.from_dict(data)

                return failure_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(ExecutionOutFailureType0 | None, data)

        failure = _parse_failure(d.pop("failure"))

        def _parse_reason(data: object) -> ExecutionOutReasonType0 | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                reason_type_0 = ExecutionOutReasonType0.from_dict(data)

                return reason_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(ExecutionOutReasonType0 | None, data)

        reason = _parse_reason(d.pop("reason"))

        inputs = ExecutionOutInputs.from_dict(d.pop("inputs"))

        def _parse_credential_inputs(data: object) -> ExecutionOutCredentialInputsType0 | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                credential_inputs_type_0 = ExecutionOutCredentialInputsType0.from_dict(data)

                return credential_inputs_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(ExecutionOutCredentialInputsType0 | None, data)

        credential_inputs = _parse_credential_inputs(d.pop("credential_inputs"))

        def _parse_nodes_input_masks(data: object) -> ExecutionOutNodesInputMasksType0 | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                nodes_input_masks_type_0 = ExecutionOutNodesInputMasksType0.from_dict(data)

                return nodes_input_masks_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(ExecutionOutNodesInputMasksType0 | None, data)

        nodes_input_masks = _parse_nodes_input_masks(d.pop("nodes_input_masks"))

        outputs = ExecutionOutOutputs.from_dict(d.pop("outputs"))

        node_executions = []
        _node_executions = d.pop("node_executions")
        for node_executions_item_data in _node_executions:
            node_executions_item = NodeExecutionOut.from_dict(node_executions_item_data)

            node_executions.append(node_executions_item)

        def _parse_next_node_offset(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        next_node_offset = _parse_next_node_offset(d.pop("next_node_offset"))

        sequence = d.pop("sequence")

        execution_out = cls(
            id=id,
            user_id=user_id,
            graph_id=graph_id,
            graph_version=graph_version,
            kind=kind,
            status=status,
            created_at=created_at,
            started_at=started_at,
            ended_at=ended_at,
            is_dry_run=is_dry_run,
            parent_execution_id=parent_execution_id,
            preset_id=preset_id,
            stats=stats,
            verdict=verdict,
            failure=failure,
            reason=reason,
            inputs=inputs,
            credential_inputs=credential_inputs,
            nodes_input_masks=nodes_input_masks,
            outputs=outputs,
            node_executions=node_executions,
            next_node_offset=next_node_offset,
            sequence=sequence,
        )

        execution_out.additional_properties = d
        return execution_out

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
