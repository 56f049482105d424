from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.node_execution_out_status import NodeExecutionOutStatus

if TYPE_CHECKING:
    from ..models.node_execution_out_failure_type_0 import NodeExecutionOutFailureType0
    from ..models.node_execution_out_input_data import NodeExecutionOutInputData
    from ..models.node_execution_out_output_data import NodeExecutionOutOutputData
    from ..models.node_execution_out_reason_type_0 import NodeExecutionOutReasonType0
    from ..models.node_execution_out_stats_type_0 import NodeExecutionOutStatsType0


T = TypeVar("T", bound="NodeExecutionOut")


@_attrs_define
class NodeExecutionOut:
    """One execution of a node.

    Attributes:
        id (UUID):
        node_exec_id (UUID):
        node_id (str):
        block_id (str):
        user_id (UUID):
        graph_id (None | UUID):
        graph_version (int | None):
        graph_exec_id (UUID):
        status (NodeExecutionOutStatus):
        input_data (NodeExecutionOutInputData):
        output_data (NodeExecutionOutOutputData):
        add_time (datetime.datetime | None):
        queue_time (datetime.datetime | None):
        start_time (datetime.datetime | None):
        end_time (datetime.datetime | None):
        error (None | str):
        failure (NodeExecutionOutFailureType0 | None):
        stats (NodeExecutionOutStatsType0 | None):
        reason (NodeExecutionOutReasonType0 | None):
    """

    id: UUID
    node_exec_id: UUID
    node_id: str
    block_id: str
    user_id: UUID
    graph_id: None | UUID
    graph_version: int | None
    graph_exec_id: UUID
    status: NodeExecutionOutStatus
    input_data: NodeExecutionOutInputData
    output_data: NodeExecutionOutOutputData
    add_time: datetime.datetime | None
    queue_time: datetime.datetime | None
    start_time: datetime.datetime | None
    end_time: datetime.datetime | None
    error: None | str
    failure: NodeExecutionOutFailureType0 | None
    stats: NodeExecutionOutStatsType0 | None
    reason: NodeExecutionOutReasonType0 | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.node_execution_out_failure_type_0 import NodeExecutionOutFailureType0
        from ..models.node_execution_out_reason_type_0 import NodeExecutionOutReasonType0
        from ..models.node_execution_out_stats_type_0 import NodeExecutionOutStatsType0

        id = str(self.id)

        node_exec_id = str(self.node_exec_id)

        node_id = self.node_id

        block_id = self.block_id

        user_id = str(self.user_id)

        graph_id: None | str
        if isinstance(self.graph_id, UUID):
            graph_id = str(self.graph_id)
        else:
            graph_id = self.graph_id

        graph_version: int | None
        graph_version = self.graph_version

        graph_exec_id = str(self.graph_exec_id)

        status = self.status.value

        input_data = self.input_data.to_dict()

        output_data = self.output_data.to_dict()

        add_time: None | str
        if isinstance(self.add_time, datetime.datetime):
            add_time = self.add_time.isoformat()
        else:
            add_time = self.add_time

        queue_time: None | str
        if isinstance(self.queue_time, datetime.datetime):
            queue_time = self.queue_time.isoformat()
        else:
            queue_time = self.queue_time

        start_time: None | str
        if isinstance(self.start_time, datetime.datetime):
            start_time = self.start_time.isoformat()
        else:
            start_time = self.start_time

        end_time: None | str
        if isinstance(self.end_time, datetime.datetime):
            end_time = self.end_time.isoformat()
        else:
            end_time = self.end_time

        error: None | str
        error = self.error

        failure: dict[str, Any] | None
        if isinstance(self.failure, NodeExecutionOutFailureType0):
            failure = self.failure.to_dict()
        else:
            failure = self.failure

        stats: dict[str, Any] | None
        if isinstance(self.stats, NodeExecutionOutStatsType0):
            stats = self.stats.to_dict()
        else:
            stats = self.stats

        reason: dict[str, Any] | None
        if isinstance(self.reason, NodeExecutionOutReasonType0):
            reason = self.reason.to_dict()
        else:
            reason = self.reason

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "node_exec_id": node_exec_id,
                "node_id": node_id,
                "block_id": block_id,
                "user_id": user_id,
                "graph_id": graph_id,
                "graph_version": graph_version,
                "graph_exec_id": graph_exec_id,
                "status": status,
                "input_data": input_data,
                "output_data": output_data,
                "add_time": add_time,
                "queue_time": queue_time,
                "start_time": start_time,
                "end_time": end_time,
                "error": error,
                "failure": failure,
                "stats": stats,
                "reason": reason,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.node_execution_out_failure_type_0 import NodeExecutionOutFailureType0
        from ..models.node_execution_out_input_data import NodeExecutionOutInputData
        from ..models.node_execution_out_output_data import NodeExecutionOutOutputData
        from ..models.node_execution_out_reason_type_0 import NodeExecutionOutReasonType0
        from ..models.node_execution_out_stats_type_0 import NodeExecutionOutStatsType0

        d = dict(src_dict)
        id = UUID(d.pop("id"))

        node_exec_id = UUID(d.pop("node_exec_id"))

        node_id = d.pop("node_id")

        block_id = d.pop("block_id")

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

        graph_exec_id = UUID(d.pop("graph_exec_id"))

        status = NodeExecutionOutStatus(d.pop("status"))

        input_data = NodeExecutionOutInputData.from_dict(d.pop("input_data"))

        output_data = NodeExecutionOutOutputData.from_dict(d.pop("output_data"))

        def _parse_add_time(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                add_time_type_0 = datetime.datetime.fromisoformat(data)

                return add_time_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        add_time = _parse_add_time(d.pop("add_time"))

        def _parse_queue_time(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                queue_time_type_0 = datetime.datetime.fromisoformat(data)

                return queue_time_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        queue_time = _parse_queue_time(d.pop("queue_time"))

        def _parse_start_time(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                start_time_type_0 = datetime.datetime.fromisoformat(data)

                return start_time_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        start_time = _parse_start_time(d.pop("start_time"))

        def _parse_end_time(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                end_time_type_0 = datetime.datetime.fromisoformat(data)

                return end_time_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        end_time = _parse_end_time(d.pop("end_time"))

        def _parse_error(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        error = _parse_error(d.pop("error"))

        def _parse_failure(data: object) -> NodeExecutionOutFailureType0 | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                failure_type_0 = NodeExecutionOutFailureType0.from_dict(data)

                return failure_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(NodeExecutionOutFailureType0 | None, data)

        failure = _parse_failure(d.pop("failure"))

        def _parse_stats(data: object) -> NodeExecutionOutStatsType0 | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                stats_type_0 = NodeExecutionOutStatsType0.from_dict(data)

                return stats_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(NodeExecutionOutStatsType0 | None, data)

        stats = _parse_stats(d.pop("stats"))

        def _parse_reason(data: object) -> NodeExecutionOutReasonType0 | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                reason_type_0 = NodeExecutionOutReasonType0.from_dict(data)

                return reason_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(NodeExecutionOutReasonType0 | None, data)

        reason = _parse_reason(d.pop("reason"))

        node_execution_out = cls(
            id=id,
            node_exec_id=node_exec_id,
            node_id=node_id,
            block_id=block_id,
            user_id=user_id,
            graph_id=graph_id,
            graph_version=graph_version,
            graph_exec_id=graph_exec_id,
            status=status,
            input_data=input_data,
            output_data=output_data,
            add_time=add_time,
            queue_time=queue_time,
            start_time=start_time,
            end_time=end_time,
            error=error,
            failure=failure,
            stats=stats,
            reason=reason,
        )

        node_execution_out.additional_properties = d
        return node_execution_out

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
