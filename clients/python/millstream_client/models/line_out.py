from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.line_out_error_type_0 import LineOutErrorType0


T = TypeVar("T", bound="LineOut")


@_attrs_define
class LineOut:
    """What became of a line.

    Attributes:
        line (int): Its number, from 1; blank lines count.
        id (None | Unset | UUID): The execution; null: none was noted.
        repeated (bool | Unset): The key was used before, for the same inputs: that execution. Default: False.
        error (LineOutErrorType0 | None | Unset): `code`, `message`, and `problems` of the inputs.
    """

    line: int
    id: None | Unset | UUID = UNSET
    repeated: bool | Unset = False
    error: LineOutErrorType0 | None | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.line_out_error_type_0 import LineOutErrorType0

        line = self.line

        id: None | str | Unset
        if isinstance(self.id, Unset):
            id = UNSET
        elif isinstance(self.id, UUID):
            id = str(self.id)
        else:
            id = self.id

        repeated = self.repeated

        error: dict[str, Any] | None | Unset
        if isinstance(self.error, Unset):
            error = UNSET
        elif isinstance(self.error, LineOutErrorType0):
            error = self.error.to_dict()
        else:
            error = self.error

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "line": line,
            }
        )
        if id is not UNSET:
            field_dict["id"] = id
        if repeated is not UNSET:
            field_dict["repeated"] = repeated
        if error is not UNSET:
            field_dict["error"] = error

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.line_out_error_type_0 import LineOutErrorType0

        d = dict(src_dict)
        line = d.pop("line")

        def _parse_id(data: object) -> None | Unset | UUID:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                id_type_0 = UUID(data)

                return id_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Unset | UUID, data)

        id = _parse_id(d.pop("id", UNSET))

        repeated = d.pop("repeated", UNSET)

        def _parse_error(data: object) -> LineOutErrorType0 | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                error_type_0 = LineOutErrorType0.from_dict(data)

                return error_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(LineOutErrorType0 | None | Unset, data)

        error = _parse_error(d.pop("error", UNSET))

        line_out = cls(
            line=line,
            id=id,
            repeated=repeated,
            error=error,
        )

        line_out.additional_properties = d
        return line_out

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
