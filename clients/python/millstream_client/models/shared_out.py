from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.shared_out_status import SharedOutStatus

if TYPE_CHECKING:
    from ..models.shared_out_outputs import SharedOutOutputs


T = TypeVar("T", bound="SharedOut")


@_attrs_define
class SharedOut:
    """What a link shows of a run.

    Attributes:
        id (UUID):
        graph_name (str):
        graph_description (str):
        status (SharedOutStatus):
        created_at (datetime.datetime):
        ended_at (datetime.datetime | None):
        outputs (SharedOutOutputs):
        expires_at (datetime.datetime):
    """

    id: UUID
    graph_name: str
    graph_description: str
    status: SharedOutStatus
    created_at: datetime.datetime
    ended_at: datetime.datetime | None
    outputs: SharedOutOutputs
    expires_at: datetime.datetime
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = str(self.id)

        graph_name = self.graph_name

        graph_description = self.graph_description

        status = self.status.value

        created_at = self.created_at.isoformat()

        ended_at: None | str
        if isinstance(self.ended_at, datetime.datetime):
            ended_at = self.ended_at.isoformat()
        else:
            ended_at = self.ended_at

        outputs = self.outputs.to_dict()

        expires_at = self.expires_at.isoformat()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "graph_name": graph_name,
                "graph_description": graph_description,
                "status": status,
                "created_at": created_at,
                "ended_at": ended_at,
                "outputs": outputs,
                "expires_at": expires_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.shared_out_outputs import SharedOutOutputs

        d = dict(src_dict)
        id = UUID(d.pop("id"))

        graph_name = d.pop("graph_name")

        graph_description = d.pop("graph_description")

        status = SharedOutStatus(d.pop("status"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

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

        outputs = SharedOutOutputs.from_dict(d.pop("outputs"))

        expires_at = datetime.datetime.fromisoformat(d.pop("expires_at"))

        shared_out = cls(
            id=id,
            graph_name=graph_name,
            graph_description=graph_description,
            status=status,
            created_at=created_at,
            ended_at=ended_at,
            outputs=outputs,
            expires_at=expires_at,
        )

        shared_out.additional_properties = d
        return shared_out

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
