"""`/api/v1/auth` and `/.well-known/jwks.json`: coming in and going out. All of it is open: nobody is known yet."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from millstream.api.audit.record import note
from millstream.api.auth import accounts, login, models
from millstream.api.auth.guards import CurrentUser, open_to_all, require_person
from millstream.api.auth.origins import safe_path
from millstream.api.auth.repository import UserRow, Users
from millstream.api.database import ReadConnection
from millstream.api.http.answers import JsonAnswer
from millstream.api.http.limits import hit
from millstream.api.http.problems import documented
from millstream.api.http.requests import EdgeRoute
from millstream.api.state import Edge, EdgeDep
from millstream.schemas.errors import (
    AuthenticationError,
    ConflictError,
    ForbiddenError,
    InputInvalidError,
    RateLimitedError,
    SecondFactorError,
)

router = APIRouter(prefix="/api/v1/auth", tags=["auth"], route_class=EdgeRoute)
well_known = APIRouter(tags=["auth"], route_class=EdgeRoute)


def shown(user: UserRow) -> dict[str, Any]:
    """Return what people see of a user."""
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "role": user.role,
        "timezone": user.timezone,
        "email_verified": user.email_verified_at is not None,
        "two_factor": user.has_totp,
        "created_at": user.created_at,
    }


def _address_of(request: Request) -> str:
    return request.client.host if request.client else ""


@router.get("/config", response_model=models.ConfigOut)
@open_to_all
async def get_config(conn: ReadConnection, edge: EdgeDep) -> Response:
    """Say how one comes in here."""
    first = not await Users(conn).has_admin()
    return JsonAnswer({"sign_up": edge.auth.settings.sign_up, "first_account": first})


@router.post(
    "/register",
    status_code=202,
    response_model=models.RegisteredOut,
    responses=documented(ForbiddenError, InputInvalidError, ConflictError, RateLimitedError),
)
@open_to_all
async def register(body: models.RegisterIn, request: Request, edge: EdgeDep) -> Response:
    """Make an account. Where sign-up is open the answer is the same whether or not somebody has the address."""
    await hit(edge, "sign_up", _address_of(request))
    who = {"email": body.email, "password": body.password.get_secret_value(), "name": body.name}
    if body.setup_code is not None:
        await accounts.set_up(edge, body.setup_code.get_secret_value(), **who)
        return JsonAnswer({"status": "ready"}, 202)
    if edge.auth.settings.sign_up == "closed":
        raise ForbiddenError("Nobody signs up here; ask the operator.")
    if body.invitation is not None:
        await accounts.accept_invitation(edge, body.invitation.get_secret_value(), **who)
        return JsonAnswer({"status": "ready"}, 202)
    if edge.auth.settings.sign_up != "open":
        raise ForbiddenError("One signs up here with an invitation; ask somebody who is here.")
    await accounts.sign_up(edge, **who)
    return JsonAnswer({"status": "check_mail"}, 202)


@router.post(
    "/login",
    response_model=models.LoggedIn,
    responses=documented(AuthenticationError, SecondFactorError, ForbiddenError, RateLimitedError),
)
@open_to_all
async def log_in(body: models.LoginIn, request: Request, edge: EdgeDep) -> Response:
    """Start a session of a browser. Unknown people and wrong passwords get the same answer, after the same time."""
    edge.auth.origins.check(request)  # nobody is logged in by somebody else's page
    user = await _checked(edge, request, body)
    await note(edge.pool, user.id, "log_in", user.id, how="session")
    secret = await login.start_session(edge, user, request.headers.get("user-agent", ""))
    answer = JsonAnswer(
        {"user": shown(user), "csrf_token": edge.auth.sessions.csrf_of(secret), "next": safe_path(body.next)}
    )
    edge.auth.sessions.give(answer, secret)
    return answer


@router.post("/logout", status_code=204)
@require_person
async def log_out(user: CurrentUser, edge: EdgeDep) -> Response:
    """End this session, or this log-in of a program."""
    answer = Response(status_code=204)
    if user.kind == "session":
        await note(edge.pool, user, "log_out", user.session_id)
        await edge.auth.sessions.end(user.user_id, user.session_id)
        await edge.auth.revocations.tell(session=user.session_id)
        edge.auth.sessions.take(answer)
    elif user.kind == "jwt":
        await login.end_family(edge, user)
    return answer


@router.post(
    "/token",
    response_model=models.TokensOut,
    responses=documented(AuthenticationError, SecondFactorError, ForbiddenError, RateLimitedError),
)
@open_to_all
async def make_tokens(body: models.TokenIn, request: Request, edge: EdgeDep) -> Response:
    """Log a program in: an access token for minutes, and a refresh token for the next."""
    user = await _checked(edge, request, body)
    return _tokens(edge, await login.start_family(edge, user, body.client))


@router.post("/token/refresh", response_model=models.TokensOut, responses=documented(AuthenticationError))
@open_to_all
async def refresh_tokens(body: models.RefreshIn, request: Request, edge: EdgeDep) -> Response:
    """Use a refresh token. One that was used before was copied by somebody: all tokens of its log-in end."""
    await hit(edge, "token", _address_of(request))
    return _tokens(edge, await login.refresh(edge, body.refresh_token.get_secret_value()))


@router.post("/token/revoke", status_code=204)
@open_to_all
async def revoke_tokens(body: models.RefreshIn, edge: EdgeDep) -> Response:
    """End the log-in that a refresh token is of."""
    await login.revoke(edge, body.refresh_token.get_secret_value())
    return Response(status_code=204)


@router.post(
    "/verify", status_code=204, responses=documented(InputInvalidError, ConflictError, ForbiddenError)
)
@open_to_all
async def verify_email(body: models.VerifyIn, edge: EdgeDep) -> Response:
    """Show that an address is one's own, by the link that was mailed to it and the password."""
    await accounts.verify(edge, body.token.get_secret_value(), body.password.get_secret_value())
    return Response(status_code=204)


@router.post("/password/forgot", status_code=202, response_model=models.RegisteredOut)
@open_to_all
async def forgot_password(body: models.EmailIn, request: Request, edge: EdgeDep) -> Response:
    """Mail a link for a new password. The answer does not tell whether somebody has the address."""
    await hit(edge, "mail", _address_of(request), body.email)
    accounts.ask_reset(edge, body.email)
    return JsonAnswer({"status": "check_mail"}, 202)


@router.post("/password/reset", status_code=204, responses=documented(InputInvalidError))
@open_to_all
async def reset_password(body: models.ResetIn, edge: EdgeDep) -> Response:
    """Choose a new password by a mailed link. All that was logged in is logged out."""
    await accounts.reset(edge, body.token.get_secret_value(), body.password.get_secret_value())
    return Response(status_code=204)


@well_known.get("/.well-known/jwks.json", response_class=Response)
@open_to_all
async def jwks(edge: EdgeDep) -> Response:
    """Return the public key that checks our access tokens."""
    return JsonAnswer(edge.auth.tokens.public(), headers={"Cache-Control": "public, max-age=600"})


async def _checked(edge: Edge, request: Request, body: models.LoginIn | models.TokenIn) -> UserRow:
    password = body.password.get_secret_value()
    return await login.check(edge, request, email=body.email, password=password, code=body.code)


def _tokens(edge: Edge, pair: tuple[str, str]) -> Response:
    access, refresh = pair
    return JsonAnswer(
        {
            "access_token": access,
            "refresh_token": refresh,
            "token_type": "Bearer",
            "expires_in": edge.auth.tokens.lifetime_s,
        }
    )
