"""Passwords: Argon2id, a few at a time, and the same time for people who do not exist."""

from __future__ import annotations

import asyncio

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from millstream.api.auth.secret import new_secret
from millstream.schemas.errors import InputInvalidError

LEAST_CHARS = 10
MOST_CHARS = 256
AT_ONCE = 2
"""Each takes 19 MiB and tens of milliseconds of a core."""

_HASHER = PasswordHash(
    (Argon2Hasher(time_cost=2, memory_cost=19_456, parallelism=1),)
)  # OWASP's second choice


class Passwords:
    """Hashes and verifies beside the event loop."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._nobody = _HASHER.hash(new_secret())

    async def hash(self, password: str) -> str:
        """Return what is stored."""
        async with self._turns:
            return await asyncio.to_thread(_HASHER.hash, password)

    async def verify(self, password: str, stored: str | None) -> bool:
        """Tell whether it is the password. With None (nobody has that name) it takes as long, and is False."""
        async with self._turns:
            right = await asyncio.to_thread(_HASHER.verify, password, stored or self._nobody)
        return right and stored is not None


def check_new(password: str, *, email: str) -> None:
    """Errors: InputInvalidError: too short, or the address itself. The upper bound is the model's."""
    if len(password) < LEAST_CHARS:
        raise InputInvalidError(
            f"The password is too short; it needs at least {LEAST_CHARS} characters.", path="password"
        )
    if password.lower() in (email.lower(), email.partition("@")[0].lower()) or len(set(password)) < 4:
        raise InputInvalidError("The password is too easy to guess; choose another.", path="password")
