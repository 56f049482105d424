"""The token of a link: the share's id and a code that only we can make for it, its run and its end.

The row decides: a link whose row is gone, or past its end, shows nothing. The code keeps people from trying ids, and holds the
token to this run and this end: it is made of one canonical text, whatever way a client spells what it sends.
"""

from __future__ import annotations

import hmac
from datetime import UTC, datetime
from uuid import UUID

from millstream.api.auth.secret import RootKey
from millstream.api.shares.repository import Share
from millstream.schemas.errors import NotFoundError

USE = "share"
"""Purpose of the key: a code made for anything else is none of these."""
ID_CHARS = 32
CODE_CHARS = 64
TOKEN = rf"^[0-9a-f]{{{ID_CHARS}}}[0-9a-f]{{{CODE_CHARS}}}$"
"""Form of a token: one spelling each, so that what is compared is what was signed."""


def token_of(root: RootKey, share: Share) -> str:
    """Return the token of a share."""
    return share.id.hex + root.mark(USE, _signed(share))


def id_of(token: str) -> UUID:
    """Return the share that a token claims to be of; it counts once `check` has passed."""
    return UUID(hex=token[:ID_CHARS])


def check(root: RootKey, share: Share, token: str) -> None:
    """Errors: NotFoundError: the token is not this share's, or its time is over."""
    good = hmac.compare_digest(token_of(root, share).encode(), token.encode())
    if not good or share.expires_at <= datetime.now(UTC):
        raise unknown()


def unknown() -> NotFoundError:
    """Return the error for a link that shows nothing, whatever the reason."""
    return NotFoundError("This link is not known, was withdrawn, or its time is over.")


def _signed(share: Share) -> str:
    return f"{share.id}|{share.execution_id}|{share.account_id}|{share.expires_at.timestamp():.6f}"
