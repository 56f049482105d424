"""Envelopes: each secret has a data key of its own; a master key wraps that, so that rotation touches no secret.

Both layers are bound to owner, provider and id: a row that was copied to another owner does not open.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from millstream.api.credentials.keyring import MasterKeys
from millstream.connectors.sealing import bound, new_key, seal, unseal


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a secret is bound to."""

    account_id: UUID
    provider: str
    id: UUID

    def bytes_for(self, layer: str) -> bytes:
        """Return the additional data of a layer, `data` or `key`."""
        return bound(layer, str(self.account_id), self.provider, str(self.id))


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A sealed secret, as a row has it."""

    ciphertext: bytes = field(repr=False)
    data_key: bytes = field(repr=False)
    key_id: str


def close(keys: MasterKeys, plain: bytes, about: About) -> Envelope:
    """Seal with a new data key, wrapped by the current master key."""
    key_id, master = keys.current
    data_key = new_key()
    return Envelope(
        ciphertext=seal(data_key, plain, about.bytes_for("data")),
        data_key=seal(master, data_key, about.bytes_for("key")),
        key_id=key_id,
    )


def open_(keys: MasterKeys, envelope: Envelope, about: About) -> bytes:
    """Return what is inside. Errors: SealBrokenError."""
    data_key = unseal(keys.get(envelope.key_id), envelope.data_key, about.bytes_for("key"))
    return unseal(data_key, envelope.ciphertext, about.bytes_for("data"))


def rewrap(keys: MasterKeys, envelope: Envelope, about: About) -> Envelope:
    """Wrap the data key by the current master key; the secret stays as it is. Errors: SealBrokenError."""
    key_id, master = keys.current
    data_key = unseal(keys.get(envelope.key_id), envelope.data_key, about.bytes_for("key"))
    return Envelope(
        ciphertext=envelope.ciphertext, data_key=seal(master, data_key, about.bytes_for("key")), key_id=key_id
    )
