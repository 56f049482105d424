"""The providers that the operator has set up, by name."""

from __future__ import annotations

from collections.abc import Iterable

from millstream.api.sso.github import GitHub
from millstream.api.sso.oidc import Oidc
from millstream.api.sso.settings import SsoProvider
from millstream.api.sso.vouched import Provider
from millstream.schemas.errors import ConfigurationError, NotFoundError


class Providers:
    """Each is asked for its configuration when somebody first uses it."""

    def __init__(self, settings: Iterable[SsoProvider]) -> None:
        self._known: dict[str, tuple[SsoProvider, Provider]] = {}
        for each in settings:
            if each.name in self._known:
                raise ConfigurationError(f"There are two providers of log-ins named {each.name!r}.")
            self._known[each.name] = (each, GitHub(each) if each.kind == "github" else Oidc(each))

    def get(self, name: str) -> tuple[SsoProvider, Provider]:
        """Return a provider. Errors: NotFoundError."""
        if name not in self._known:
            raise NotFoundError(f"There is no provider of log-ins {name!r} here.")
        return self._known[name]
