"""Signatures of the records that command the engine, so that reach of the brokers alone starts and runs nothing.

HMAC-SHA256 over the record's whole value (which says whose execution, which node execution, block, attempt and input it
is), in the header `signature`. Topics: executions.requests, executions.inbox (Start, Stop, Answer, Nudge),
nodes.tasks.* (Run); and edge.changes, whose records end sessions.
The same bytes always have the same signature: whoever holds a verified record may sign it again instead of keeping it.
"""

from __future__ import annotations

import hmac

from millstream.schemas.errors import SignatureInvalidError
from millstream.schemas.headers import AnyHeaders, Header, find
from millstream.schemas.messages import Answer, Message, Nudge, Request, Run, Start, Stop, Withdraw

SIGNATURE = "signature"
_PURPOSE = b"millstream/records/1"


class Signer:
    """Signs with the current key, and accepts the previous one too while keys are changed."""

    __slots__ = ("_keys",)

    def __init__(self, key: str, previous: str = "") -> None:
        self._keys = [hmac.digest(each.encode(), _PURPOSE, "sha256") for each in (key, previous) if each]

    def sign(self, value: bytes) -> Header:
        """Return the header of a record with this value."""
        return SIGNATURE, hmac.digest(self._keys[0], value, "sha256")

    def verify(self, value: bytes, headers: AnyHeaders) -> None:
        """Errors: SignatureInvalidError, also if there is no signature."""
        found = find(headers, SIGNATURE)
        if found is None:
            raise SignatureInvalidError("the record commands the engine and is not signed")
        if not any(hmac.compare_digest(found, hmac.digest(key, value, "sha256")) for key in self._keys):
            raise SignatureInvalidError("the signature was made with another key, or for another record")


def commands(message: Message) -> bool:
    """Tell whether a message is one that must be signed."""
    return isinstance(message, Request | Withdraw | Start | Stop | Answer | Nudge | Run)
