"""Whose account it is for whom a provider vouches: the one that has the identity, the one with the address, or a new one."""

from __future__ import annotations

from uuid import UUID, uuid4

from pydantic import TypeAdapter, ValidationError

from millstream.api.audit.record import record
from millstream.api.auth.models import Email
from millstream.api.auth.principal import Role
from millstream.api.auth.repository import UserRow, Users
from millstream.api.database import Connection
from millstream.api.sso.repository import Identities
from millstream.api.sso.settings import SsoProvider
from millstream.api.sso.vouched import Vouched
from millstream.api.state import Edge
from millstream.schemas.errors import AuthenticationError, ForbiddenError

ADDRESS: TypeAdapter[str] = TypeAdapter(Email)
NO_ADDRESS = "The provider does not vouch for an address of yours; check it there, then try again."
OTHER_WAY = (
    "There is an account with your address that is not joined by itself: log in the way you did before."
)
CLOSED = "You have no account here yet, and one signs up with an invitation; ask somebody who is here."


async def log_in(edge: Edge, provider: SsoProvider, vouched: Vouched) -> UserRow:
    """Return who has come in. Errors: AuthenticationError: shut out; ForbiddenError: no account, or none to be joined."""
    async with edge.pool.connection() as conn:
        users = Users(conn)
        user_id = await Identities(conn).use(vouched.issuer, vouched.subject)
        if user_id is None:
            user_id = await _join(edge, conn, provider, vouched)
        user = await users.get(user_id, lock=True)
        if user.disabled_at is not None:
            raise AuthenticationError("This account is shut out; ask the operator.")
        if provider.role_claim:
            await _set_role(conn, user, role_of(provider, vouched), provider)
        await record(conn, user_id, "log_in", user_id, how="sso", provider=provider.name)
        user = await users.get(user_id)
    await edge.auth.known.forget_user(user_id)
    return user


async def _join(edge: Edge, conn: Connection, provider: SsoProvider, vouched: Vouched) -> UUID:
    try:
        email = ADDRESS.validate_python(vouched.email)
    except ValidationError:
        raise ForbiddenError(NO_ADDRESS) from None
    users = Users(conn)
    user = await users.find_by_email(email)
    if user is not None:
        await _check_joinable(conn, user)
        user_id = user.id
        await record(conn, user_id, "identity.linked", user_id, provider=provider.name)
    else:
        if edge.auth.settings.sign_up != "open" and not provider.sign_up:
            raise ForbiddenError(CLOSED)
        user_id = uuid4()
        if not await users.add(user_id, email=email, name=vouched.name, password_hash=None, verified=True):
            raise AuthenticationError(
                "Somebody has made an account with your address this moment; try again."
            )
        await record(conn, user_id, "account.made", user_id, how="sso", provider=provider.name)
    await Identities(conn).add(vouched.issuer, vouched.subject, user_id=user_id, email=email)
    return user_id


async def _check_joinable(conn: Connection, user: UserRow) -> None:
    """Errors: ForbiddenError: the address alone is not enough.

    With a second factor it is not: whoever has the mailbox would get around it. The local user, and those of an outside
    issuer, have addresses that nobody has checked.
    """
    if user.has_totp or (user.email_verified_at is None and user.password_hash is None):
        raise ForbiddenError(OTHER_WAY)
    if user.email_verified_at is None:  # made by somebody who may not have the address: his password goes
        await Identities(conn).clear_password(user.id)
        await Users(conn).set_email(user.id, user.email)


def role_of(provider: SsoProvider, vouched: Vouched) -> Role:
    """Return the highest role that the claims stand for."""
    found = [role for value, role in provider.roles.items() if value in vouched.claims]
    return max(found, key=list(Role).index, default=Role.USER)


async def _set_role(conn: Connection, user: UserRow, role: Role, provider: SsoProvider) -> None:
    if role == user.role:
        return
    users = Users(conn)
    if user.role == Role.ADMIN and await users.is_last_admin(user.id):
        return
    await users.set_role(user.id, role)
    await record(
        conn, user.id, "user.changed", user.id, role=role, before=user.role, by=f"claims of {provider.name}"
    )
