from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.answered_out_answer_type_0 import AnsweredOutAnswerType0


T = TypeVar("T", bound="AnsweredOut")


@_attrs_define
class AnsweredOut:
    """A decision. `answer`: as it counts, with who and when; null: it is on the log, its outcome not known yet.

    Attributes:
        id (UUID):
        approved (bool):
        answer (AnsweredOutAnswerType0 | None):
    """

    id: UUID
    approved: bool
    answer: AnsweredOutAnswerType0 | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.answered_out_answer_type_0 import AnsweredOutAnswerType0

        id = str(self.id)

        approved = self.approved

        answer: dict[str, Any] | None
        if isinstance(self.answer, AnsweredOutAnswerType0):
            answer = self.answer.to_dict()
        else:
            answer = self.answer

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "approved": approved,
                "answer": answer,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.answered_out_answer_type_0 import AnsweredOutAnswerType0

        d = dict(src_dict)
        id = UUID(d.pop("id"))

        approved = d.pop("approved")

        def _parse_answer(data: object) -> AnsweredOutAnswerType0 | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                answer_type_0 = AnsweredOutAnswerType0.from_dict(data)

                return answer_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(AnsweredOutAnswerType0 | None, data)

        answer = _parse_answer(d.pop("answer"))

        answered_out = cls(
            id=id,
            approved=approved,
            answer=answer,
        )

        answered_out.additional_properties = d
        return answered_out

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
