from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.execution_head_kind import ExecutionHeadKind
from ..models.execution_head_status import ExecutionHeadStatus

if TYPE_CHECKING:
    from ..models.execution_head_failure_type_0 import ExecutionHeadFailureType0
    from ..models.execution_head_reason_type_0 import ExecutionHeadReasonType0
    from ..models.execution_head_stats import ExecutionHeadStats
    from ..models.execution_head_verdict_type_0 import ExecutionHeadVerdictType0


T = TypeVar("T", bound="ExecutionHead")


@_attrs_define
class ExecutionHead:
    """An execution without its values, in AutoGPT's form.

    Attributes:
        id (UUID):
        user_id (UUID):
        graph_id (None | UUID):
        graph_version (int | None):
        kind (ExecutionHeadKind):
        status (ExecutionHeadStatus):
        created_at (datetime.datetime):
        started_at (datetime.datetime | None):
        ended_at (datetime.datetime | None):
        is_dry_run (bool):
        parent_execution_id (None | UUID):
        preset_id (None | UUID):
        stats (ExecutionHeadStats):
        verdict (ExecutionHeadVerdictType0 | None):
        failure (ExecutionHeadFailureType0 | None):
        reason (ExecutionHeadReasonType0 | None):
    """

    id: UUID
    user_id: UUID
    graph_id: None | UUID
    graph_version: int | None
    kind: ExecutionHeadKind
    status: ExecutionHeadStatus
    created_at: datetime.datetime
    started_at: datetime.datetime | None
    ended_at: datetime.datetime | None
    is_dry_run: bool
    parent_execution_id: None | UUID
    preset_id: None | UUID
    stats: ExecutionHeadStats
    verdict: ExecutionHeadVerdictType0 | None
    failure: ExecutionHeadFailureType0 | None
    reason: ExecutionHeadReasonType0 | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.execution_head_failure_type_0 import ExecutionHeadFailureType0
        from ..models.execution_head_reason_type_0 import ExecutionHeadReasonType0
        from ..models.execution_head_verdict_type_0 import ExecutionHeadVerdictType0

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
        if isinstance(self.verdict, ExecutionHeadVerdictType0):
            verdict = self.verdict.to_dict()
        else:
            verdict = self.verdict

        failure: dict[str, Any] | None
        if isinstance(self.failure, ExecutionHeadFailureType0):
            failure = self.failure.to_dict()
        else:
            failure = self.failure

        reason: dict[str, Any] | None
        if isinstance(self.reason, ExecutionHeadReasonType0):
            reason = self.reason.to_dict()
        else:
            reason = self.reason

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
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.execution_head_failure_type_0 import ExecutionHeadFailureType0
        from ..models.execution_head_reason_type_0 import ExecutionHeadReasonType0
        from ..models.execution_head_stats import ExecutionHeadStats
        from ..models.execution_head_verdict_type_0 import ExecutionHeadVerdictType0

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

        kind = ExecutionHeadKind(d.pop("kind"))

        status = ExecutionHeadStatus(d.pop("status"))

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

        stats = ExecutionHeadStats.from_dict(d.pop("stats"))

        def _parse_verdict(data: object) -> ExecutionHeadVerdictType0 | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                verdict_type_0 = ExecutionHeadVerdictType0.from_dict(data)

                return verdict_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(ExecutionHeadVerdictType0 | None, data)

        verdict = _parse_verdict(d.pop("verdict"))

        def _parse_failure(data: object) -> ExecutionHeadFailureType0 | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                failure_type_0 = ExecutionHeadFailureType0.from_dict(data)

                return failure_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(ExecutionHeadFailureType0 | None, data)

        failure = _parse_failure(d.pop("failure"))

        def _parse_reason(data: object) -> ExecutionHeadReasonType0 | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                reason_type_0 = ExecutionHeadReasonType0.from_dict(data)

                return reason_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(ExecutionHeadReasonType0 | None, data)

        reason = _parse_reason(d.pop("reason"))

        execution_head = cls(
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
        )

        execution_head.additional_properties = d
        return execution_head

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
