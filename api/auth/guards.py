"""Who may call a route. Each says so by one decorator below its path; one without is closed to keys, and fails a test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from millstream.api.auth.principal import Principal, Role, Scope
from millstream.schemas.errors import AuthenticationError, ForbiddenError

EndpointT = TypeVar("EndpointT", bound=Callable[..., Any])

_GUARD = "__millstream_guard__"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """What a route asks of its caller. Checked before the body is read."""

    open: bool = False
    """Anybody, even without a login."""
    scope: Scope | None = None
    role: Role = Role.USER
    person: bool = False
    """No key: what one login could do to all others is for people."""

    def check(self, principal: Principal) -> None:
        """Errors: ForbiddenError."""
        if self.scope is not None:
            principal.demand(self.scope)
        if self.person and not principal.is_person:
            raise ForbiddenError("A key cannot do this; log in.")
        if not principal.role.covers(self.role):
            raise ForbiddenError(f"This needs the role {self.role}; yours is {principal.role}.")


CLOSED = Guard(person=True)
"""Of a route that says nothing."""


def open_to_all(endpoint: EndpointT) -> EndpointT:
    """Mark an endpoint that needs no login. The list of them is in `tests/integration/api/test_access.py`."""
    return _marked(endpoint, Guard(open=True))


def require(scope: Scope | None = None) -> Callable[[EndpointT], EndpointT]:
    """Mark an endpoint for whoever has `scope`, people and keys alike; None: for whoever is logged in."""
    return lambda endpoint: _marked(endpoint, Guard(scope=scope))


def require_person(endpoint: EndpointT) -> EndpointT:
    """Mark an endpoint for people who have logged in, not for keys."""
    return _marked(endpoint, Guard(person=True))


def require_role(role: Role) -> Callable[[EndpointT], EndpointT]:
    """Mark an endpoint for people with at least this role."""
    return lambda endpoint: _marked(endpoint, Guard(role=role, person=True))


def guard_of(endpoint: Callable[..., Any]) -> Guard | None:
    """Return what an endpoint is marked with."""
    found: Guard | None = getattr(endpoint, _GUARD, None)
    return found


def _marked(endpoint: EndpointT, guard: Guard) -> EndpointT:
    setattr(endpoint, _GUARD, guard)
    return endpoint


_SCHEME = HTTPBearer(
    auto_error=False, description="An access token, an API key, or what `millstream token` prints."
)


def current_user(
    request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Depends(_SCHEME)]
) -> Principal:
    """Return the principal that the route has let in."""
    principal: Principal | None = getattr(request.state, "principal", None)
    if principal is None:
        raise AuthenticationError("Nobody is logged in; send `Authorization: Bearer <token>`.")
    return principal


CurrentUser = Annotated[Principal, Depends(current_user)]
"""Whoever calls. Queries take `user.account_id` as owner; `user.user_id` is who acts."""
