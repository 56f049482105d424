"""Secrets of one platform: made once, kept in a file that only its owner reads, never on a command line."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass, field, fields

from millstream.local.home import Home, write_private
from millstream.schemas.errors import ConfigurationError

READABLE = "23456789abcdefghjkmnpqrstuvwxyz"


def _random() -> str:
    return secrets.token_urlsafe(32)


def _code() -> str:
    """Return 99 random bits in groups, without letters that look alike."""
    letters = "".join(secrets.choice(READABLE) for _ in range(20))
    return "-".join(letters[at : at + 5] for at in range(0, 20, 5))


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Keys:
    """What `up` makes for itself. `repr` is off so that no log shows it."""

    token: str = field(default_factory=lambda: f"ms_{_random()}")
    """Token of the local user, for the HTTP API and the WebSocket."""
    signing_key: str = field(default_factory=_random)
    account_key: str = field(default_factory=_random)
    worker_key: str = field(default_factory=_random)
    setup_code: str = field(default_factory=_code)
    """Makes the first account; people type it."""
    postgres_password: str = field(default_factory=_random)
    redis_password: str = field(default_factory=_random)


def find(home: Home) -> Keys | None:
    """Read the secrets, None if there are none yet. Errors: ConfigurationError if the file is damaged."""
    try:
        stored = json.loads(home.secrets.read_text())
        return Keys(**{name.name: stored[name.name] for name in fields(Keys) if name.name in stored})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise ConfigurationError(
            f"The secrets in {str(home.secrets)!r} cannot be read: {error}. Bring the file back from a backup; "
            "without it the embedded database cannot be opened."
        ) from error


def ensure(home: Home) -> Keys:
    """Read the secrets, make those that are missing, and keep the file private. Call it under the home's lock."""
    keys = find(home) or Keys()
    wanted = json.dumps(asdict(keys), indent=2) + "\n"
    if not home.secrets.exists() or home.secrets.read_text() != wanted:
        write_private(home.secrets, wanted)
    if home.secrets.stat().st_mode & 0o077:
        home.secrets.chmod(0o600)
    return keys
