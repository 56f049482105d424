"""Progress that does not tell the secrets of its run."""

from __future__ import annotations

from millstream.processors.masking import Mask
from millstream.processors.services import Progress


class Discreet:
    """`Progress` with dots in the places of secrets.

    A secret may come in two pieces of a text, so as much is held back as could be the beginning of one.
    """

    __slots__ = ("_held", "_mask", "_to")

    def __init__(self, to: Progress, mask: Mask) -> None:
        self._to = to
        self._mask = mask
        self._held = ""

    def __call__(self, fraction: float, note: str, /) -> None:
        """Tell how far the run is."""
        self._to(fraction, self._mask.text(note) if self._mask else note)

    def text(self, piece: str, /) -> None:
        """Tell the next piece of a text."""
        if not (self._held or self._mask):
            self._to.text(piece)
            return
        text = self._mask.text(self._held + piece)
        cut = max(0, len(text) - max(0, self._mask.longest - 1))
        self._held = text[cut:]
        if cut:
            self._to.text(text[:cut])

    def close(self) -> None:
        """Tell what was held back."""
        if self._held:
            held, self._held = self._held, ""
            self._to.text(held)
        self._to.close()
