"""The secrets of one run: opened when they are asked for, remembered so that they can be masked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from millstream.processors.credentials import AnyCredential, secret_texts, typed
from millstream.processors.masking import Mask
from millstream.schemas.errors import CredentialError
from millstream.schemas.secrets import VALUE, Opened, iter_refs, replace_refs


class Vault(Protocol):
    """Opens what an execution of a user was granted."""

    async def open(self, user_id: str, execution_id: str, secret_id: str) -> Opened:
        """Errors: CredentialError: not granted, or gone; UnavailableError."""
        ...


class NoVault:
    """Of a process that was given no worker key."""

    async def open(self, user_id: str, execution_id: str, secret_id: str) -> Opened:
        """Refuse."""
        raise CredentialError(
            "This worker has no worker key, so it cannot open secrets; set MILLSTREAM_WORKER_KEY."
        )


class Confidence:
    """What one run of a block may know, and must not tell."""

    __slots__ = ("_execution_id", "_inputs", "_opened", "_pins", "_user_id", "_vault", "mask")

    def __init__(self, vault: Vault, user_id: str, execution_id: str) -> None:
        self._vault = vault
        self._user_id = user_id
        self._execution_id = execution_id
        self._pins: Mapping[str, Any] = {}
        self._inputs: Mapping[str, Any] = {}
        self._opened: dict[str, Opened] = {}
        self.mask = Mask()

    def about(self, input_schema: Mapping[str, Any], inputs: Mapping[str, Any]) -> None:
        """Say which block runs, with what."""
        self._pins = input_schema.get("properties", {})
        self._inputs = inputs

    async def resolve(self, values: Any) -> Any:
        """Return a JSON value with secrets in the places of their references. Errors: CredentialError, UnavailableError."""
        found: dict[str, Any] = {}
        for id_ in iter_refs(values):
            opened = await self._open(str(id_))
            if opened.kind != VALUE:
                raise CredentialError(
                    f"{str(id_)!r} is a credential, no secret value; use a credentials pin."
                )
            found[str(id_)] = opened.data.get("value")
            self.mask.add_value(str(id_), opened.data.get("value"))
        return replace_refs(values, lambda id_: found[str(id_)]) if found else values

    async def credentials(self, pin: str) -> AnyCredential:
        """Return what the credentials pin `pin` stands for. Errors: CredentialError, UnavailableError."""
        meta, field = self._inputs.get(pin), self._pins.get(pin, {})
        if not isinstance(meta, dict) or not isinstance(meta.get("id"), str):
            raise CredentialError(f"Nothing is chosen on the pin {pin!r}; choose credentials.", pin=pin)
        opened = await self._open(meta["id"])
        providers, kinds = field.get("credentials_provider", ()), field.get("credentials_types", ())
        if opened.kind == VALUE or opened.provider not in providers or opened.kind not in kinds:
            raise CredentialError(
                f"The pin {pin!r} takes {_or(kinds)} of {_or(providers)}, not {opened.kind} of {opened.provider!r}.",
                pin=pin,
            )
        self.mask.add_texts(secret_texts(opened))
        return typed(opened, block_hosts=tuple(field.get("credentials_hosts", ())))

    async def _open(self, id_: str) -> Opened:
        if id_ not in self._opened:
            self._opened[id_] = await self._vault.open(self._user_id, self._execution_id, id_)
        return self._opened[id_]


def _or(names: Any) -> str:
    return " or ".join(names) or "nothing"
