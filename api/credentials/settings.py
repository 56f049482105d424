"""Settings of secrets, filled in by a composition root."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class OAuthProvider(BaseModel):
    """A service whose accounts people connect: what its developers' page gave us."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    client_id: str
    client_secret: SecretStr = SecretStr("")
    authorize_url: str = Field(pattern=r"^https?://")
    token_url: str = Field(pattern=r"^https?://")
    scopes: tuple[str, ...] = ()
    """What is asked for if the caller names none."""
    hosts: tuple[str, ...] = ()
    """Where its tokens may be sent."""
    parameters: dict[str, str] = {}
    """More parameters of the authorize URL, such as `access_type=offline`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretSettings:
    """Keys. Without them the features that need them are refused."""

    master_keys: SecretStr = SecretStr("")
    """`id:base64,...`; the first seals, all open. Goes before the file."""
    master_keys_file: Path | None = None
    """What `up` has made and `millstream secrets rotate` changes."""
    worker_key: SecretStr = SecretStr("")
    """Shared with the workers."""
    providers: Mapping[str, OAuthProvider] = field(default_factory=dict, repr=False)
    """By name."""
    redirect_url: str = ""
    """Page to which providers send people back; its query is posted to the callback route."""
