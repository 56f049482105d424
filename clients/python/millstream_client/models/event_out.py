from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.event_out_detail_type_0 import EventOutDetailType0


T = TypeVar("T", bound="EventOut")


@_attrs_define
class EventOut:
    """One event, as recorded.

    Attributes:
        sequence (int):
        kind (str):
        at (datetime.datetime):
        node_execution_id (None | UUID):
        node_id (None | str):
        block_id (None | str):
        status (None | str):
        pin (None | str):
        value (Any):
        detail (EventOutDetailType0 | None):
    """

    sequence: int
    kind: str
    at: datetime.datetime
    node_execution_id: None | UUID
    node_id: None | str
    block_id: None | str
    status: None | str
    pin: None | str
    value: Any
    detail: EventOutDetailType0 | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.event_out_detail_type_0 import EventOutDetailType0

        sequence = self.sequence

        kind = self.kind

        at = self.at.isoformat()

        node_execution_id: None | str
        if isinstance(self.node_execution_id, UUID):
            node_execution_id = str(self.node_execution_id)
        else:
            node_execution_id = self.node_execution_id

        node_id: None | str
        node_id = self.node_id

        block_id: None | str
        block_id = self.block_id

        status: None | str
        status = self.status

        pin: None | str
        pin = self.pin

        value = self.value

        detail: dict[str, Any] | None
        if isinstance(self.detail, EventOutDetailType0):
            detail = self.detail.to_dict()
        else:
            detail = self.detail

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "sequence": sequence,
                "kind": kind,
                "at": at,
                "node_execution_id": node_execution_id,
                "node_id": node_id,
                "block_id": block_id,
                "status": status,
                "pin": pin,
                "value": value,
                "detail": detail,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.event_out_detail_type_0 import EventOutDetailType0

        d = dict(src_dict)
        sequence = d.pop("sequence")

        kind = d.pop("kind")

        at = datetime.datetime.fromisoformat(d.pop("at"))

        def _parse_node_execution_id(data: object) -> None | UUID:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                node_execution_id_type_0 = UUID(data)

                return node_execution_id_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | UUID, data)

        node_execution_id = _parse_node_execution_id(d.pop("node_execution_id"))

        def _parse_node_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        node_id = _parse_node_id(d.pop("node_id"))

        def _parse_block_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        block_id = _parse_block_id(d.pop("block_id"))

        def _parse_status(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        status = _parse_status(d.pop("status"))

        def _parse_pin(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        pin = _parse_pin(d.pop("pin"))

        value = d.pop("value")

        def _parse_detail(data: object) -> EventOutDetailType0 | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                detail_type_0 = EventOutDetailType0.from_dict(data)

                return detail_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(EventOutDetailType0 | None, data)

        detail = _parse_detail(d.pop("detail"))

        event_out = cls(
            sequence=sequence,
            kind=kind,
            at=at,
            node_execution_id=node_execution_id,
            node_id=node_id,
            block_id=block_id,
            status=status,
            pin=pin,
            value=value,
            detail=detail,
        )

        event_out.additional_properties = d
        return event_out

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
