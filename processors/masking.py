"""What a run was told in confidence does not come out of it again: not as a value, not in an error, not in progress.

A value that is a secret becomes the reference that it came as, so that blocks that pass things on pass it on;
a text that contains one has dots in its place.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from millstream.schemas.secrets import REF

DOTS: Final = "•••"
LEAST_CHARS: Final = 6
"""A shorter secret is not looked for inside of other texts: it would be found everywhere."""
_TELLS_NOTHING: Final[tuple[Any, ...]] = (None, True, False, "", 0, [], {})


class Mask:
    """The secrets that one run has opened."""

    __slots__ = ("_exact", "_texts", "_values")

    def __init__(self) -> None:
        self._exact: dict[str, str] = {}
        self._values: dict[bytes, str] = {}
        self._texts: list[str] = []

    def __bool__(self) -> bool:
        return bool(self._exact or self._values or self._texts)

    def add_value(self, id_: str, value: Any) -> None:
        """Hide a secret value: it is shown as the reference `id_`."""
        if isinstance(value, str):
            if value:
                self._exact[value] = id_
                self._hide(value)
            return
        if not any(value is each or (type(value) is type(each) and value == each) for each in _TELLS_NOTHING):
            self._values[orjson.dumps(value)] = id_
        for text in _leaves(value):
            self._hide(text)

    def add_texts(self, texts: list[str]) -> None:
        """Hide texts of a credential."""
        for text in texts:
            self._hide(text)

    def _hide(self, text: str) -> None:
        if len(text) >= LEAST_CHARS and text not in self._texts:
            self._texts.append(text)
            self._texts.sort(key=len, reverse=True)  # a secret in another one must not leave its ends

    @property
    def longest(self) -> int:
        """Characters of the longest text that is hidden."""
        return len(self._texts[0]) if self._texts else 0

    def text(self, text: str) -> str:
        """Return a sentence without them."""
        for secret in self._texts:
            if secret in text:
                text = text.replace(secret, DOTS)
        return text

    def value(self, value: Any) -> Any:
        """Return a JSON value without them; itself if there are none in it."""
        if isinstance(value, str):
            id_ = self._exact.get(value)
            return self.text(value) if id_ is None else {REF: id_}
        if not isinstance(value, dict | list):
            return self._whole(value)
        whole = self._whole(value)
        if whole is not value:
            return whole
        if isinstance(value, list):
            return [self.value(item) for item in value]
        return {self.text(key): self.value(item) for key, item in value.items()}

    def _whole(self, value: Any) -> Any:
        if not self._values or value is None or isinstance(value, bool):
            return value
        id_ = self._values.get(orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS))
        return value if id_ is None else {REF: id_}


def _leaves(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.values() for text in _leaves(item)]
    return [text for item in value for text in _leaves(item)] if isinstance(value, list) else []
