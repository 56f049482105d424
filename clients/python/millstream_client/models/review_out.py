from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.review_out_status import ReviewOutStatus

if TYPE_CHECKING:
    from ..models.review_out_answer_type_0 import ReviewOutAnswerType0


T = TypeVar("T", bound="ReviewOut")


@_attrs_define
class ReviewOut:
    """One review. DROPPED: the execution ended before anybody answered.

    Attributes:
        node_exec_id (UUID):
        graph_exec_id (UUID):
        node_id (str):
        block_id (str):
        status (ReviewOutStatus):
        payload (Any): What is to be decided on.
        instructions (None | str):
        editable (bool):
        sensitive (bool):
        since (int | None): Unix milliseconds.
        who (list[str]): Users who can answer.
        until (int | None): When the default answer is taken.
        answer (None | ReviewOutAnswerType0):
    """

    node_exec_id: UUID
    graph_exec_id: UUID
    node_id: str
    block_id: str
    status: ReviewOutStatus
    payload: Any
    instructions: None | str
    editable: bool
    sensitive: bool
    since: int | None
    who: list[str]
    until: int | None
    answer: None | ReviewOutAnswerType0
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.review_out_answer_type_0 import ReviewOutAnswerType0

        node_exec_id = str(self.node_exec_id)

        graph_exec_id = str(self.graph_exec_id)

        node_id = self.node_id

        block_id = self.block_id

        status = self.status.value

        payload = self.payload

        instructions: None | str
        instructions = self.instructions

        editable = self.editable

        sensitive = self.sensitive

        since: int | None
        since = self.since

        who = self.who

        until: int | None
        until = self.until

        answer: dict[str, Any] | None
        if isinstance(self.answer, ReviewOutAnswerType0):
            answer = self.answer.to_dict()
        else:
            answer = self.answer

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "node_exec_id": node_exec_id,
                "graph_exec_id": graph_exec_id,
                "node_id": node_id,
                "block_id": block_id,
                "status": status,
                "payload": payload,
                "instructions": instructions,
                "editable": editable,
                "sensitive": sensitive,
                "since": since,
                "who": who,
                "until": until,
                "answer": answer,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.review_out_answer_type_0 import ReviewOutAnswerType0

        d = dict(src_dict)
        node_exec_id = UUID(d.pop("node_exec_id"))

        graph_exec_id = UUID(d.pop("graph_exec_id"))

        node_id = d.pop("node_id")

        block_id = d.pop("block_id")

        status = ReviewOutStatus(d.pop("status"))

        payload = d.pop("payload")

        def _parse_instructions(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        instructions = _parse_instructions(d.pop("instructions"))

        editable = d.pop("editable")

        sensitive = d.pop("sensitive")

        def _parse_since(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        since = _parse_since(d.pop("since"))

        who = cast(list[str], d.pop("who"))

        def _parse_until(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        until = _parse_until(d.pop("until"))

        def _parse_answer(data: object) -> None | ReviewOutAnswerType0:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                answer_type_0 = ReviewOutAnswerType0.from_dict(data)

                return answer_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | ReviewOutAnswerType0, data)

        answer = _parse_answer(d.pop("answer"))

        review_out = cls(
            node_exec_id=node_exec_id,
            graph_exec_id=graph_exec_id,
            node_id=node_id,
            block_id=block_id,
            status=status,
            payload=payload,
            instructions=instructions,
            editable=editable,
            sensitive=sensitive,
            since=since,
            who=who,
            until=until,
            answer=answer,
        )

        review_out.additional_properties = d
        return review_out

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
