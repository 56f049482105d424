"""Log-in: a password, perhaps a code, then a session or tokens. Unknown people and wrong passwords look the same."""

from __future__ import annotations

from uuid import UUID

from starlette.requests import Request

from millstream.api.audit.record import note, record
from millstream.api.auth.families import Families
from millstream.api.auth.principal import Principal
from millstream.api.auth.repository import UserRow, Users
from millstream.api.auth.secret import digest
from millstream.api.auth.totp import SecondFactor
from millstream.api.database import statements
from millstream.api.http.limits import hit
from millstream.api.state import Edge
from millstream.schemas.errors import (
    AuthenticationError,
    ConflictError,
    ForbiddenError,
    RateLimitedError,
    SecondFactorError,
)

WRONG = "The e-mail or the password is not right."


async def check(edge: Edge, request: Request, *, email: str, password: str, code: str | None) -> UserRow:
    """Return who logs in. Errors: AuthenticationError, SecondFactorError, RateLimitedError, ForbiddenError."""
    await hit(edge, "log_in", email.lower(), request.client.host if request.client else "")
    async with statements(edge.pool) as conn:
        user = await Users(conn).find_by_email(email)
    right = await edge.auth.passwords.verify(password, user.password_hash if user else None)
    if user is None or not right or user.disabled_at is not None:
        await note(edge.pool, None, "log_in.failed", user.id if user else "unknown", why="password")
        raise AuthenticationError(WRONG)
    if user.email_verified_at is None:
        raise ForbiddenError("The address was not checked yet; follow the link that was mailed to it.")
    try:
        async with edge.pool.connection() as conn:
            await SecondFactor(conn, edge.auth.redis, edge.auth.root).check(user, code)
    except (SecondFactorError, RateLimitedError):
        if code:  # without one it is only asked for
            await note(edge.pool, None, "log_in.failed", user.id, why="second_factor")
        raise
    return user


async def confirm(edge: Edge, user_id: UUID, password: str) -> UserRow:
    """Ask somebody who has logged in for the password again. Errors: ForbiddenError, ConflictError."""
    await hit(edge, "log_in", str(user_id))
    async with statements(edge.pool) as conn:
        user = await Users(conn).get(user_id)
    if user.password_hash is None:
        raise ConflictError("This account has no password here.")
    if not await edge.auth.passwords.verify(password, user.password_hash):
        raise ForbiddenError("The password is not right.")
    return user


async def start_session(edge: Edge, user: UserRow, agent: str) -> str:
    """Return the secret of a new session of a browser. `user`: as he was when he was let in. Errors: AuthenticationError."""
    secret = await edge.auth.sessions.start(user.id, agent)
    if not await _is_as_before(edge, user):
        await edge.auth.sessions.end(user.id, digest(secret).hex())
        raise AuthenticationError(WRONG)
    return secret


async def start_family(edge: Edge, user: UserRow, client: str) -> tuple[str, str]:
    """Return an access and a refresh token of a new log-in. `user`: as he was when he was let in.

    Errors: AuthenticationError.
    """
    async with edge.pool.connection() as conn:
        family_id, refresh = await Families(conn).start(
            user.id, client=client, lifetime_s=edge.auth.settings.refresh_s
        )
        await record(conn, user.id, "log_in", family_id, how="token")
    if not await _is_as_before(edge, user):
        async with statements(edge.pool) as conn:
            await Families(conn).end(user.id, family_id)
        raise AuthenticationError(WRONG)
    return edge.auth.tokens.make(user.id, family_id), refresh


async def _is_as_before(edge: Edge, user: UserRow) -> bool:
    """Tell whether neither password nor rights have changed since somebody was let in.

    Asked after his log-in is there: what a new password ends are the log-ins that it finds, and one that was under way with
    the old password would come after it.
    """
    async with statements(edge.pool) as conn:
        now = await Users(conn).find(user.id)
    return now is not None and now.disabled_at is None and now.password_hash == user.password_hash


async def refresh(edge: Edge, secret: str) -> tuple[str, str]:
    """Return the next pair of tokens. Errors: AuthenticationError; a token that was used before ends its log-in."""
    async with edge.pool.connection() as conn:
        found = await Families(conn).refresh(secret)
        if found is not None and found.secret is None:
            await record(
                conn, found.user_id, "session.ended", found.family_id, why="refresh_token_used_twice"
            )
    if found is None:
        raise AuthenticationError("The refresh token is not valid; log in again.")
    if found.secret is None:
        await edge.auth.end_family(found.family_id)
        raise AuthenticationError("The refresh token was used before, so its log-in has ended; log in again.")
    if await edge.auth.known.find_user(found.user_id) is None:
        raise AuthenticationError("The refresh token is not valid; log in again.")
    return edge.auth.tokens.make(found.user_id, found.family_id), found.secret


async def revoke(edge: Edge, secret: str) -> None:
    """End the log-in of a refresh token, whatever its age. Unknown ones are passed over."""
    async with edge.pool.connection() as conn:
        found = await Families(conn).find_owner(secret)
        if found is not None:
            await Families(conn).end(*found)
            await record(conn, found[0], "log_out", found[1])
    if found is not None:
        await edge.auth.end_family(found[1])


async def end_family(edge: Edge, principal: Principal) -> None:
    """End the log-in of an access token. One of an outside issuer is for that issuer to end."""
    try:
        family_id = UUID(principal.session_id)
    except ValueError:
        return
    async with edge.pool.connection() as conn:
        await Families(conn).end(principal.user_id, family_id)
        await record(conn, principal, "log_out", family_id)
    await edge.auth.end_family(family_id)
