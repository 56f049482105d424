"""Making accounts, and what is done with mailed links. Answers never tell whether somebody has an account."""

from __future__ import annotations

import hmac
from uuid import UUID, uuid4

from millstream.api.audit.record import record
from millstream.api.auth.families import Families
from millstream.api.auth.mail_tokens import MailTokens
from millstream.api.auth.passwords import check_new
from millstream.api.auth.repository import UserRow, Users
from millstream.api.keys.repository import ApiKeys
from millstream.api.orgs.invitations import Invitations
from millstream.api.state import Edge
from millstream.schemas.errors import ConflictError, ForbiddenError, InputInvalidError


async def set_up(edge: Edge, code: str, *, email: str, password: str, name: str) -> UUID:
    """Make the first account, which is admin. Errors: ForbiddenError: a wrong code, or there is an admin."""
    right = edge.auth.settings.setup_code.get_secret_value()
    check_new(password, email=email)
    if not right or not hmac.compare_digest(code.strip().encode(), right.encode()):
        raise ForbiddenError("The set-up code is not right; `millstream up` prints it.")
    hashed = await edge.auth.passwords.hash(password)
    async with edge.pool.connection() as conn:
        users = Users(conn)
        if await users.has_admin(lock=True):
            raise ForbiddenError("There is an admin already, so the set-up code is of no use.")
        if not await users.claim_local(email=email, name=name, password_hash=hashed):
            raise ConflictError("Somebody has this address.")
        user = await users.find_by_email(email)
        assert user is not None
        await record(conn, user.id, "account.made", user.id, how="set_up", role="admin")
    await edge.auth.known.forget_user(user.id)
    return user.id


async def accept_invitation(edge: Edge, token: str, *, email: str, password: str, name: str) -> UUID:
    """Make an account for whom an invitation was mailed to. Errors: InputInvalidError, ConflictError."""
    check_new(password, email=email)
    hashed = await edge.auth.passwords.hash(password)
    user_id = uuid4()
    async with edge.pool.connection() as conn:
        invitation = await Invitations(conn).use(token, email=email)
        if not await Users(conn).add(user_id, email=email, name=name, password_hash=hashed, verified=True):
            raise ConflictError("Somebody has this address; log in, then accept the invitation.")
        await Invitations(conn).join(invitation, user_id)
        await record(conn, user_id, "account.made", user_id, how="invitation", org_id=invitation.org_id)
    return user_id


async def sign_up(edge: Edge, *, email: str, password: str, name: str) -> None:
    """Make an account that waits for its address to be checked. Who has one already is told by mail alone."""
    check_new(password, email=email)
    hashed = await edge.auth.passwords.hash(password)
    edge.auth.post.behind(_sign_up(edge, email=email, hashed=hashed, name=name))


async def _sign_up(edge: Edge, *, email: str, hashed: str, name: str) -> None:
    post = edge.auth.post
    user_id = uuid4()
    async with edge.pool.connection() as conn:
        users = Users(conn)
        secret = None
        is_new = await users.add(user_id, email=email, name=name, password_hash=hashed, verified=False)
        user = await users.find_by_email(email)
        if is_new:
            await record(conn, user_id, "account.made", user_id, how="sign_up")
        if user is not None and user.email_verified_at is None and user.password_hash is not None:
            if not is_new:  # somebody else may have begun: the last one, with his password, goes on
                await users.set_password(user.id, hashed)
            lifetime_s = edge.auth.settings.verify_s
            secret = await MailTokens(conn).make(user.id, "verify", email=email, lifetime_s=lifetime_s)
    if secret is None:
        await post.text(
            email, "You have an account", "Somebody has tried to sign up with this address, which has one.\n"
        )
        return
    says = "Welcome to Millstream. This link says that the address is yours:"
    await post.link(email, "Check your address", says=says, page="verify", secret=secret)


def ask_reset(edge: Edge, email: str) -> None:
    """Mail a link for a new password, if somebody has the address."""
    edge.auth.post.behind(_ask_reset(edge, email))


async def _ask_reset(edge: Edge, email: str) -> None:
    async with edge.pool.connection() as conn:
        user = await Users(conn).find_by_email(email)
        if user is None or user.password_hash is None or user.disabled_at is not None:
            return
        lifetime_s = edge.auth.settings.reset_s
        secret = await MailTokens(conn).make(user.id, "reset", email=user.email, lifetime_s=lifetime_s)
    says = f"With this link you choose a new password, within {lifetime_s // 60} minutes:"
    await edge.auth.post.link(user.email, "A new password", says=says, page="reset", secret=secret)


async def reset(edge: Edge, token: str, password: str) -> None:
    """Set a new password by a mailed link, and end all that is open. Errors: InputInvalidError."""
    async with edge.pool.connection() as conn:
        link = await MailTokens(conn).use(token, "reset")
        user = await Users(conn).get(link.user_id, lock=True)
        if user.email.lower() != link.email.lower():
            raise InputInvalidError("This link was for another address.", path="token")
        check_new(password, email=user.email)
        await Users(conn).set_password(user.id, await edge.auth.passwords.hash(password))
        await Users(conn).set_email(user.id, user.email)  # the link came by mail, so the address is checked
        families = await Families(conn).end_all(user.id)
        await record(conn, user.id, "account.password_reset", user.id)
    await edge.auth.end_user(link.user_id, families)


async def verify(edge: Edge, token: str, password: str) -> None:
    """Take a mailed link as proof of an address. Errors: InputInvalidError, ConflictError, ForbiddenError."""
    async with edge.pool.connection() as conn:
        link = await MailTokens(conn).use(token, "verify", "email")
        user = await Users(conn).get(link.user_id, lock=True)
        if not await edge.auth.passwords.verify(password, user.password_hash):
            raise ForbiddenError("The password is not right; the link stays good.")
        if link.purpose == "verify" and user.email.lower() != link.email.lower():
            raise InputInvalidError("This link was for another address.", path="token")
        if not await Users(conn).set_email(link.user_id, link.email):
            raise ConflictError("Somebody has this address meanwhile.")
        await MailTokens(conn).drop(link.user_id, "reset")  # those were mailed to the old address
        await record(conn, link.user_id, "account.email_verified", link.user_id)


async def ask_email(edge: Edge, user: UserRow, email: str) -> None:
    """Mail a link to a new address; the old one stays until it is used, and is told."""
    async with edge.pool.connection() as conn:
        secret = await MailTokens(conn).make(
            user.id, "email", email=email, lifetime_s=edge.auth.settings.verify_s
        )
        await record(conn, user.id, "account.email_asked", user.id)
    post = edge.auth.post
    says = "This link makes this the address of your account:"
    post.behind(post.link(email, "Check your new address", says=says, page="verify", secret=secret))
    note = "Somebody, hopefully you, has asked to change the address of your account.\n"
    post.behind(post.text(user.email, "Your address is about to change", note))


async def set_password(edge: Edge, user: UserRow, password: str) -> None:
    """Set a new password and end all that is open. Errors: InputInvalidError."""
    check_new(password, email=user.email)
    hashed = await edge.auth.passwords.hash(password)
    async with edge.pool.connection() as conn:
        await Users(conn).set_password(user.id, hashed)
        families = await Families(conn).end_all(user.id)
        await record(conn, user.id, "account.password_set", user.id)
    await edge.auth.end_user(user.id, families)


async def delete(edge: Edge, user: UserRow) -> None:
    """Remove an account and all it owns. Errors: ConflictError: others depend on it."""
    from millstream.api.orgs.repository import Organisations

    async with edge.pool.connection() as conn:
        if await Users(conn).is_last_admin(user.id):
            raise ConflictError("You are the only admin; make somebody else admin first.")
        alone = await Organisations(conn).owned_alone(user.id)
        if alone:
            raise ConflictError(
                f"You are the only owner of {', '.join(alone)}; make somebody else owner, or delete them, first."
            )
        await ApiKeys(conn).revoke_of(user.id)
        families = await Families(conn).end_all(user.id)
        await Users(conn).delete(user.id)
        await record(conn, user.id, "account.deleted", user.id)
    await edge.auth.end_user(user.id, families)
