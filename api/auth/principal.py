"""Who is calling, for whom, and what that allows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal
from uuid import UUID

from millstream.schemas.errors import ForbiddenError

LOCAL_USER_ID = UUID("3e53486c-cf57-477e-ba2a-cb02dc828e1a")
"""The user whose graphs `millstream run` makes, and whom the first sign-up takes over; AutoGPT has the same id."""

Kind = Literal["local", "session", "jwt", "api_key"]
"""How somebody has shown who he is: the token of this machine, a browser's cookie, an access token, a key."""


class Scope(StrEnum):
    """What a key may be limited to. The first twelve are AutoGPT's; those of files are of its later API."""

    IDENTITY = "IDENTITY"
    EXECUTE_GRAPH = "EXECUTE_GRAPH"
    READ_GRAPH = "READ_GRAPH"
    WRITE_GRAPH = "WRITE_GRAPH"
    EXECUTE_BLOCK = "EXECUTE_BLOCK"
    READ_BLOCK = "READ_BLOCK"
    READ_STORE = "READ_STORE"
    WRITE_LIBRARY = "WRITE_LIBRARY"
    USE_TOOLS = "USE_TOOLS"
    MANAGE_INTEGRATIONS = "MANAGE_INTEGRATIONS"
    READ_INTEGRATIONS = "READ_INTEGRATIONS"
    DELETE_INTEGRATIONS = "DELETE_INTEGRATIONS"
    READ_FILES = "READ_FILES"
    WRITE_FILES = "WRITE_FILES"


READING = frozenset(
    {
        Scope.IDENTITY,
        Scope.READ_GRAPH,
        Scope.READ_BLOCK,
        Scope.READ_STORE,
        Scope.READ_INTEGRATIONS,
        Scope.READ_FILES,
    }
)
"""All that a viewer of an organisation may do in it."""


class Role(StrEnum):
    """What somebody is on this platform, from least to most."""

    USER = "user"
    CREATOR = "creator"
    MODERATOR = "moderator"
    ADMIN = "admin"

    def covers(self, other: Role) -> bool:
        """Tell whether this role may do all that `other` may."""
        return _ROLES.index(self) >= _ROLES.index(other)


class OrgRole(StrEnum):
    """What a member is in an organisation, from least to most."""

    VIEWER = "viewer"
    MEMBER = "member"
    ADMIN = "admin"
    OWNER = "owner"

    def covers(self, other: OrgRole) -> bool:
        """Tell whether this role may do all that `other` may."""
        return _ORG_ROLES.index(self) >= _ORG_ROLES.index(other)


_ROLES = list(Role)
_ORG_ROLES = list(OrgRole)


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """The caller of one request or socket."""

    user_id: UUID
    """The person."""
    account_id: UUID
    """Whose things are read and written: the person himself, or an organisation. `owner_id` of every query."""
    role: Role = Role.USER
    org_role: OrgRole | None = None
    """Role in the organisation that `account_id` is; None: it is the person."""
    scopes: frozenset[Scope] | None = None
    """None: all that the roles allow."""
    kind: Kind = "session"
    session_id: str = ""
    """What can be revoked: a session, a family of tokens, a key. Empty for the local token."""
    expires_at: float | None = None
    """Unix time at which a socket of this principal ends."""

    @property
    def id(self) -> UUID:
        """The owner of what is read and written: `account_id`."""
        return self.account_id

    @property
    def is_person(self) -> bool:
        """Whether somebody has logged in, unlike a key that a program has."""
        return self.kind != "api_key"

    def may(self, scope: Scope) -> bool:
        """Tell whether something is allowed."""
        if self.org_role is OrgRole.VIEWER and scope not in READING:
            return False
        return self.scopes is None or scope in self.scopes

    def demand(self, scope: Scope) -> None:
        """Errors: ForbiddenError if `scope` is not allowed."""
        if self.may(scope):
            return
        if self.org_role is OrgRole.VIEWER:
            raise ForbiddenError(
                "A viewer of an organisation only reads in it; its admins can change the role."
            )
        raise ForbiddenError(f"This key lacks the scope {scope}; make one that has it.", scope=scope)
