"""The second factor: codes of an authenticator, each good once, and recovery codes for the day it is lost."""

from __future__ import annotations

import base64
import hmac
import secrets
import time
from uuid import UUID

import pyotp
from redis.asyncio import Redis

from millstream.api.auth.repository import UserRow, Users
from millstream.api.auth.secret import RootKey, digest
from millstream.api.database import Connection
from millstream.schemas.errors import ConflictError, InputInvalidError, RateLimitedError, SecondFactorError

STEP_S = 30
TRIES = 5
TRIES_S = 300
RECOVERY_CODES = 10
RECOVERY_BYTES = 10


class SecondFactor:
    """One user's second factor in one transaction. Never commits."""

    def __init__(self, conn: Connection, redis: Redis, root: RootKey) -> None:
        self._conn = conn
        self._redis = redis
        self._root = root

    async def enrol(self, user: UserRow) -> tuple[str, str]:
        """Return a new secret and its `otpauth:` URI; it counts once a code has confirmed it. Errors: ConflictError."""
        if user.has_totp:
            raise ConflictError("There is a second factor already; remove it first.")
        secret = pyotp.random_base32()
        sealed = self._root.seal(secret.encode(), str(user.id))
        await Users(self._conn).set_totp(user.id, sealed, confirmed=False)
        return secret, pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name="Millstream")

    async def confirm(self, user: UserRow, code: str) -> list[str]:
        """Switch it on and return recovery codes, which are shown once. Errors: ConflictError, InputInvalidError."""
        if user.totp_secret is None or user.has_totp:
            raise ConflictError("There is no second factor to confirm; begin with `POST /api/v1/me/totp`.")
        if not await self._is_code(user, code):
            raise InputInvalidError("The code is not right; is the clock of the authenticator?", path="code")
        await Users(self._conn).set_totp(user.id, user.totp_secret, confirmed=True)
        return await self._new_recovery_codes(user.id)

    async def check(self, user: UserRow, code: str | None) -> None:
        """Ask for a code, if the user has a second factor. Errors: SecondFactorError, RateLimitedError."""
        if not user.has_totp:
            return
        if not code:
            raise SecondFactorError("This account has a second factor; send its `code` too.")
        key = f"auth:totp:{user.id}"
        async with self._redis.pipeline(
            transaction=True
        ) as pipe:  # counted first: many at once must not get past
            pipe.set(key, 0, nx=True, ex=TRIES_S)
            pipe.incr(key)
            _, tries = await pipe.execute()
        if tries > TRIES:
            raise RateLimitedError(f"Too many wrong codes; try again in {TRIES_S // 60} minutes.")
        if not (await self._is_code(user, code) or await self._use_recovery(user.id, code)):
            raise SecondFactorError("The code is not right.")
        await self._redis.delete(key)

    async def remove(self, user: UserRow) -> None:
        """Switch it off."""
        await Users(self._conn).set_totp(user.id, None, confirmed=False)
        await self._conn.execute("DELETE FROM recovery_codes WHERE user_id = %s", [user.id])

    async def _is_code(self, user: UserRow, code: str) -> bool:
        assert user.totp_secret is not None
        totp = pyotp.TOTP(self._root.open(user.totp_secret, str(user.id)).decode())
        now = int(time.time()) // STEP_S
        for step in (now - 1, now, now + 1):
            if hmac.compare_digest(totp.generate_otp(step).encode(), code.strip().encode()):
                used = f"auth:totp-used:{user.id}:{step}"
                return bool(await self._redis.set(used, b"1", nx=True, ex=4 * STEP_S))
        return False

    async def _use_recovery(self, user_id: UUID, code: str) -> bool:
        done = await self._conn.execute(
            "DELETE FROM recovery_codes WHERE user_id = %s AND hash = %s", [user_id, digest(_plain(code))]
        )
        return done.rowcount == 1

    async def _new_recovery_codes(self, user_id: UUID) -> list[str]:
        await self._conn.execute("DELETE FROM recovery_codes WHERE user_id = %s", [user_id])
        codes = [
            base64.b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode().lower()
            for _ in range(RECOVERY_CODES)
        ]
        for code in codes:
            await self._conn.execute(
                "INSERT INTO recovery_codes (user_id, hash) VALUES (%s, %s)", [user_id, digest(code)]
            )
        return ["-".join(code[at : at + 4] for at in range(0, len(code), 4)) for code in codes]


def _plain(code: str) -> str:
    return code.replace("-", "").replace(" ", "").lower()
