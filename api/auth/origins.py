"""Which pages may speak in a browser's name: ours. Others that are listed may call with tokens, never with cookies."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from millstream.schemas.errors import ForbiddenError

PATH_MOST_CHARS = 2000


class Origins:
    """Compares whole origins, never prefixes."""

    def __init__(self, public_url: str, listed: tuple[str, ...]) -> None:
        public = urlsplit(public_url)
        self._public = f"{public.scheme}://{public.netloc}"
        self._listed = frozenset(listed)

    def is_ours(self, origin: str, connection: HTTPConnection) -> bool:
        """Tell whether a page of ours has this origin."""
        if origin == self._public:
            return True
        try:
            netloc = urlsplit(origin).netloc
        except ValueError:  # such as `http://[`
            return False
        return bool(netloc) and netloc == connection.headers.get("host")

    def is_listed(self, origin: str, connection: HTTPConnection) -> bool:
        """Tell whether a page of this origin may call with a token."""
        return origin in self._listed or self.is_ours(origin, connection)

    def check(self, connection: HTTPConnection) -> None:
        """Errors: ForbiddenError: a browser says that the request comes from a page of others."""
        origin = connection.headers.get("origin")
        if origin is not None and not self.is_ours(origin, connection):
            raise ForbiddenError(f"Pages of {origin[:100]!r} cannot use this log-in.")


def safe_path(path: str | None) -> str:
    """Return where to go after a log-in: a path of ours, `/` for anything that a browser could take for elsewhere."""
    if not path or len(path) > PATH_MOST_CHARS or not path.startswith("/") or path.startswith("//"):
        return "/"
    if "\\" in path or any(ord(char) <= 32 or ord(char) == 127 for char in path):
        return "/"
    return path
