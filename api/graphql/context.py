"""What resolvers work with: the caller, the edge, and what is loaded for one answer."""

from __future__ import annotations

from uuid import UUID

import strawberry
from starlette.requests import HTTPConnection

from millstream.api.auth.principal import Principal
from millstream.api.graphql.backlog import Backlog
from millstream.api.graphql.loaders import Loaders
from millstream.api.state import Edge


class Context:
    """Of one request, or one subscription."""

    def __init__(
        self, edge: Edge, principal: Principal, connection: HTTPConnection, backlog: Backlog | None = None
    ) -> None:
        self.edge = edge
        self.principal = principal
        self.connection = connection
        self._backlog = backlog
        self.loaders = Loaders(edge, principal.account_id)

    @property
    def owner_id(self) -> UUID:
        """Whose things are read and written."""
        return self.principal.account_id

    @property
    def backlog(self) -> Backlog:
        """What waits to be sent on the socket."""
        assert self._backlog is not None, "subscriptions come over sockets only"
        return self._backlog

    def renew(self) -> None:
        """Forget what was loaded: something has changed since."""
        self.loaders = Loaders(self.edge, self.principal.account_id)


Info = strawberry.Info[Context, None]
