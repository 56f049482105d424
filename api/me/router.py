"""`/api/v1/me`: the caller's own account. What changes it asks for the password again, and is not for keys."""

from __future__ import annotations

import zoneinfo

from fastapi import APIRouter, Response

from millstream.api.audit.record import record
from millstream.api.auth import accounts, login, models
from millstream.api.auth.guards import CurrentUser, require, require_person
from millstream.api.auth.principal import Scope
from millstream.api.auth.repository import Users
from millstream.api.auth.router import shown
from millstream.api.auth.totp import SecondFactor
from millstream.api.database import ReadConnection, WriteConnection
from millstream.api.http.answers import JsonAnswer
from millstream.api.http.limits import hit
from millstream.api.http.problems import documented
from millstream.api.http.requests import EdgeRoute
from millstream.api.state import EdgeDep
from millstream.schemas.errors import ConflictError, ForbiddenError, InputInvalidError, SecondFactorError

router = APIRouter(prefix="/api/v1/me", tags=["me"], route_class=EdgeRoute)


@router.get("", response_model=models.MeOut)
@require(Scope.IDENTITY)
async def get_me(user: CurrentUser, conn: ReadConnection) -> Response:
    """Return who calls, for which account, and what this login may do."""
    row = await Users(conn).get(user.user_id)
    rights = {
        "role": user.role,
        "account_id": user.account_id,
        "org_role": user.org_role,
        "kind": user.kind,
        "scopes": None if user.scopes is None else sorted(user.scopes),
    }
    return JsonAnswer(shown(row) | rights)


@router.patch("", response_model=models.UserOut, responses=documented(InputInvalidError))
@require_person
async def update_me(body: models.ProfileIn, user: CurrentUser, conn: WriteConnection) -> Response:
    """Change name or time zone."""
    if body.timezone is not None and body.timezone not in zoneinfo.available_timezones():
        raise InputInvalidError(f"There is no time zone {body.timezone!r}.", path="timezone")
    users = Users(conn)
    await users.set_profile(user.user_id, name=body.name, timezone=body.timezone)
    return JsonAnswer(shown(await users.get(user.user_id)))


@router.post(
    "/password", status_code=204, responses=documented(ForbiddenError, InputInvalidError, ConflictError)
)
@require_person
async def change_password(body: models.NewPasswordIn, user: CurrentUser, edge: EdgeDep) -> Response:
    """Choose a new password. All that was logged in is logged out, this login too."""
    row = await login.confirm(edge, user.user_id, body.password.get_secret_value())
    await accounts.set_password(edge, row, body.new_password.get_secret_value())
    return Response(status_code=204)


@router.post(
    "/email",
    status_code=202,
    response_model=models.RegisteredOut,
    responses=documented(ForbiddenError, ConflictError),
)
@require_person
async def change_email(body: models.NewEmailIn, user: CurrentUser, edge: EdgeDep) -> Response:
    """Have a link mailed to a new address; it counts once the link is used."""
    await hit(edge, "mail", str(user.user_id))
    row = await login.confirm(edge, user.user_id, body.password.get_secret_value())
    await accounts.ask_email(edge, row, body.email)
    return JsonAnswer({"status": "check_mail"}, 202)


@router.post("/delete", status_code=204, responses=documented(ForbiddenError, ConflictError))
@require_person
async def delete_me(body: models.ConfirmIn, user: CurrentUser, edge: EdgeDep) -> Response:
    """Remove the account and all it owns, for good."""
    row = await login.confirm(edge, user.user_id, body.password.get_secret_value())
    await accounts.delete(edge, row)
    answer = Response(status_code=204)
    edge.auth.sessions.take(answer)
    return answer


@router.post("/totp", response_model=models.TotpOut, responses=documented(ForbiddenError, ConflictError))
@require_person
async def enrol_totp(body: models.ConfirmIn, user: CurrentUser, edge: EdgeDep) -> Response:
    """Begin a second factor; it counts once a code has confirmed it."""
    row = await login.confirm(edge, user.user_id, body.password.get_secret_value())
    async with edge.pool.connection() as conn:
        secret, uri = await SecondFactor(conn, edge.auth.redis, edge.auth.root).enrol(row)
    return JsonAnswer({"secret": secret, "uri": uri})


@router.post(
    "/totp/confirm",
    response_model=models.RecoveryOut,
    responses=documented(ConflictError, InputInvalidError),
)
@require_person
async def confirm_totp(body: models.CodeIn, user: CurrentUser, edge: EdgeDep) -> Response:
    """Switch the second factor on with a code of it. The recovery codes are shown once."""
    await hit(edge, "log_in", str(user.user_id))
    async with edge.pool.connection() as conn:
        row = await Users(conn).get(user.user_id, lock=True)
        codes = await SecondFactor(conn, edge.auth.redis, edge.auth.root).confirm(row, body.code)
        await record(conn, user, "account.two_factor_on", user.user_id)
    return JsonAnswer({"recovery_codes": codes})


@router.post("/totp/remove", status_code=204, responses=documented(ForbiddenError, SecondFactorError))
@require_person
async def remove_totp(body: models.RemoveTotpIn, user: CurrentUser, edge: EdgeDep) -> Response:
    """Switch the second factor off."""
    row = await login.confirm(edge, user.user_id, body.password.get_secret_value())
    async with edge.pool.connection() as conn:
        factor = SecondFactor(conn, edge.auth.redis, edge.auth.root)
        await factor.check(row, body.code)
        await factor.remove(row)
        await record(conn, user, "account.two_factor_off", user.user_id)
    return Response(status_code=204)
