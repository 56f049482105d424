"""From a request to its principal: one door for HTTP and sockets."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

from redis.asyncio import Redis
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection

from millstream.api.audit.record import arrived
from millstream.api.auth.kept import Kept
from millstream.api.auth.known import Knowledge
from millstream.api.auth.local import LocalToken
from millstream.api.auth.origins import Origins
from millstream.api.auth.outside import Outside
from millstream.api.auth.passwords import Passwords
from millstream.api.auth.post import Post
from millstream.api.auth.principal import Kind, Principal, Role, Scope
from millstream.api.auth.repository import Users
from millstream.api.auth.revocations import Revocations
from millstream.api.auth.secret import RootKey, digest, new_secret
from millstream.api.auth.sessions import Sessions
from millstream.api.auth.settings import AccessSettings
from millstream.api.auth.tokens import Tokens, issuer_of
from millstream.api.changes import Changes
from millstream.api.database import Pool, statements
from millstream.api.keys.repository import MARK, ApiKeys, KeyRow
from millstream.api.sso.providers import Providers
from millstream.connectors.mail import FolderMailer, Mailer, SmtpMailer
from millstream.schemas.errors import AuthenticationError, NotFoundError
from millstream.schemas.messages import Changed

NO_TOKEN = "Nobody is logged in; send `Authorization: Bearer <token>` (`millstream token` prints one for this machine)."
BAD_TOKEN = "The token is not valid here; log in again, or make a new key."
NO_SESSION = "The session has ended; log in again."
ORG_HEADER = "x-millstream-org"
KEY_HEADER = "x-api-key"
NOTE_USE_S = 60.0
NOTED_MOST = 10_000


class Auth:
    """Tells who sends a request. Its parts serve the routes of log-ins."""

    def __init__(
        self,
        settings: AccessSettings,
        local: LocalToken,
        pool: Pool,
        redis: Redis,
        changes: Changes,
        *,
        origins: tuple[str, ...],
    ) -> None:
        self.settings = settings
        self.redis = redis
        self.root = RootKey(settings.key.get_secret_value() or new_secret())
        self.passwords = Passwords()
        self.sessions = Sessions(redis, settings, self.root)
        self.tokens = Tokens(self.root, issuer=settings.public_url, lifetime_s=settings.access_s)
        self.known = Knowledge(
            pool, redis, changes, redis_s=settings.membership_s, process_s=settings.process_s
        )
        self.revocations = Revocations(changes, check=self.is_good)
        changes.hear(self._hear, self._forget_all)
        self.origins = Origins(settings.public_url, origins)
        self.sso = Providers(settings.sso)
        self.post = Post(_mailer(settings), settings.public_url)
        self._outside = Outside(settings.outside) if settings.outside else None
        self._local = local
        self._pool = pool
        self._keys: Kept[bytes, KeyRow] = Kept(settings.process_s)
        self._noted: dict[UUID, float] = {}

    def is_tried(self, connection: HTTPConnection, token: str | None = None) -> bool:
        """Tell whether somebody has tried to say who he is."""
        return bool(given_token(connection.headers) or token or self.sessions.cookie_of(connection))

    def uses_cookie(self, connection: HTTPConnection, token: str | None = None) -> bool:
        """Tell whether only a cookie says who it is."""
        return (
            not (given_token(connection.headers) or token) and self.sessions.cookie_of(connection) is not None
        )

    async def principal(self, connection: HTTPConnection, token: str | None = None) -> Principal:
        """Return who calls. `token`: one that came elsewhere than in a header.

        Errors: AuthenticationError; ForbiddenError: a cookie without the code against forged requests;
        NotFoundError: an organisation of others.
        """
        if given := given_token(connection.headers) or token:
            principal = await self._of_token(given, connection)
        elif secret := self.sessions.cookie_of(connection):
            principal = await self._of_cookie(secret, connection)
        else:
            raise AuthenticationError(NO_TOKEN)
        chosen = connection.headers.get(ORG_HEADER) or connection.query_params.get("org", "")
        if chosen:
            principal = await self._in_org(principal, chosen)
        arrived(connection, principal)
        return principal

    async def is_good(self, principal: Principal) -> bool:
        """Tell whether a principal may still be here."""
        if principal.kind == "local":
            return True
        if await self.known.find_user(principal.user_id) is None:
            return False
        if principal.org_role is not None:
            role = await self.known.find_member(principal.account_id, principal.user_id)
            if role is not principal.org_role:
                return False
        if principal.kind == "session":
            return await self.sessions.is_alive(principal.session_id)
        if principal.kind == "api_key":
            async with statements(self._pool) as conn:
                return await ApiKeys(conn).is_good(UUID(principal.session_id))
        return not await self._has_ended(principal.session_id)

    async def end_family(self, family_id: UUID) -> None:
        """Refuse the access tokens of a family from now on; call it after the commit."""
        await self.redis.set(f"auth:ended:{family_id}", b"1", ex=self.settings.access_s + 60)
        await self.revocations.tell(session=family_id)

    async def end_user(self, user_id: UUID, families: list[UUID]) -> None:
        """End all that a user has open but keys. `families`: those that were removed from the table."""
        await self.sessions.end_all(user_id)
        for family_id in families:
            await self.redis.set(f"auth:ended:{family_id}", b"1", ex=self.settings.access_s + 60)
        await self.known.forget_user(user_id, ends=True)

    async def _of_token(self, token: str, connection: HTTPConnection) -> Principal:
        if (principal := self._local.find(token, connection)) is not None:
            return principal
        if token.startswith(MARK):
            return await self._of_key(token)
        issuer = issuer_of(token)
        if issuer is not None and self._outside is not None and issuer == self._outside.issuer:
            return await self._of_outside(self._outside, token)
        if issuer is None:
            raise AuthenticationError(BAD_TOKEN)
        access = self.tokens.read(token)
        if await self._has_ended(str(access.family_id)):
            raise AuthenticationError(NO_SESSION)
        return await self._principal(
            access.user_id, kind="jwt", session_id=str(access.family_id), expires_at=access.expires_at
        )

    async def _of_cookie(self, secret: str, connection: HTTPConnection) -> Principal:
        session = await self.sessions.find(secret)
        if session is None:
            raise AuthenticationError(NO_SESSION)
        self.origins.check(connection)
        self.sessions.check_csrf(connection, secret)
        return await self._principal(session.user_id, kind="session", session_id=session.id)

    async def _of_key(self, secret: str) -> Principal:
        hash_ = digest(secret)
        row = self._keys.find(hash_)
        if row is None:
            asked = self._keys.changes
            async with statements(self._pool) as conn:
                row = await ApiKeys(conn).find_good(secret)
            if row is None:
                raise AuthenticationError(BAD_TOKEN)
            self._keys.keep(hash_, row, asked=asked)
        expires_at = row.expires_at.timestamp() if row.expires_at else None
        if expires_at is not None and expires_at <= time.time():
            raise AuthenticationError(BAD_TOKEN)
        if not self._is_noted(row.id):
            async with statements(self._pool) as conn:
                await ApiKeys(conn).note_use(row.id)
        scopes = frozenset(Scope(scope) for scope in row.scopes)
        principal = await self._principal(
            row.user_id, kind="api_key", session_id=str(row.id), scopes=scopes, expires_at=expires_at
        )
        own = row.account_id == row.user_id
        return principal if own else await self._in_org(principal, str(row.account_id), by_key=True)

    async def _of_outside(self, outside: Outside, token: str) -> Principal:
        found = await outside.read(token)
        if await self.known.find_user(found.user_id) is None:
            async with self._pool.connection() as conn:
                await Users(conn).ensure_outside(
                    found.user_id, issuer=outside.issuer, subject=found.subject, email=found.email
                )
            await self.known.forget_user(found.user_id)
        role = Role.ADMIN if found.is_admin else None
        session = f"outside:{found.user_id}"
        return await self._principal(
            found.user_id, kind="jwt", session_id=session, expires_at=found.expires_at, role=role
        )

    async def _principal(
        self, user_id: UUID, *, kind: Kind, role: Role | None = None, **more: Any
    ) -> Principal:
        user = await self.known.find_user(user_id)
        if user is None:
            raise AuthenticationError(BAD_TOKEN)
        return Principal(user_id=user_id, account_id=user_id, role=role or user.role, kind=kind, **more)

    async def _in_org(self, principal: Principal, chosen: str, *, by_key: bool = False) -> Principal:
        """Return the principal as a member of an organisation. A key stays where it belongs."""
        if str(principal.account_id) == chosen.lower():
            return principal
        role = None
        if by_key or principal.kind != "api_key":
            try:
                role = await self.known.find_member(UUID(chosen), principal.user_id)
            except ValueError:
                role = None
        if role is None:
            raise NotFoundError(f"There is no organisation {chosen[:40]!r} of yours.")
        return Principal(
            user_id=principal.user_id,
            account_id=UUID(chosen),
            role=principal.role,
            org_role=role,
            scopes=principal.scopes,
            kind=principal.kind,
            session_id=principal.session_id,
            expires_at=principal.expires_at,
        )

    async def _has_ended(self, family_id: str) -> bool:
        return bool(await self.redis.exists(f"auth:ended:{family_id}"))

    def _is_noted(self, key_id: UUID) -> bool:
        """Tell whether a use of a key was written down within the minute; if not, the caller does so now."""
        now = time.monotonic()
        if now - self._noted.get(key_id, -NOTE_USE_S) < NOTE_USE_S:
            return True
        if len(self._noted) >= NOTED_MOST:
            self._noted.clear()
        self._noted[key_id] = now
        return False

    def _hear(self, changed: Changed) -> None:
        if changed.graph_id is not None:
            return
        self.known.hear(changed)
        self.sessions.hear(changed)
        self._keys.forget(
            lambda _, row: (
                changed.session_id in (None, str(row.id))
                and changed.user_id in (None, str(row.user_id))
                and changed.account_id in (None, str(row.account_id))
            )
        )
        self.revocations.hear(changed)

    def _forget_all(self) -> None:
        self.known.forget_all()
        self.sessions.forget_all()
        self._keys.forget(lambda *_: True)
        self.revocations.missed()


def given_token(headers: Headers) -> str | None:
    """Return the key or token of a request's headers."""
    return headers.get(KEY_HEADER) or bearer(headers)


def bearer(headers: Headers) -> str | None:
    """Return the token of `Authorization: Bearer <token>`, None if there is none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _mailer(settings: AccessSettings) -> Mailer | None:
    if settings.smtp is not None:
        return SmtpMailer(settings.smtp)
    return FolderMailer(settings.mail_folder) if settings.mail_folder is not None else None
