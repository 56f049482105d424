"""AES-256-GCM: whoever opens must say for whom and for what it was sealed, or gets nothing."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from millstream.schemas.errors import ConfigurationError, SealBrokenError

KEY_BYTES = 32
NONCE_BYTES = 12
LEAST_CHARS = 16


def bound(*parts: str) -> bytes:
    """Return what a sealed text is bound to. Lengths go before the parts, so that no two lists give the same bytes."""
    return b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)


def new_key() -> bytes:
    """Return 256 random bits."""
    return secrets.token_bytes(KEY_BYTES)


def seal(key: bytes, plain: bytes, about: bytes) -> bytes:
    """Encrypt. The nonce is random and stands before the text: a key seals far fewer than 2**32 texts."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, about)


def unseal(key: bytes, sealed: bytes, about: bytes) -> bytes:
    """Decrypt. Errors: SealBrokenError: another key, another owner or purpose, or changed bytes."""
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], about)
    except (InvalidTag, ValueError) as error:
        raise SealBrokenError(
            "A secret does not open: it was sealed with another key, or for something else."
        ) from error


class WorkerKey:
    """What edges and workers share: it seals copies of secrets for one execution, and proves that a worker asks."""

    __slots__ = ("_key", "token")

    def __init__(self, secret: str) -> None:
        """Errors: ConfigurationError."""
        if len(secret) < LEAST_CHARS:
            raise ConfigurationError(
                f"The worker key has {len(secret)} characters; at least {LEAST_CHARS} random ones are needed."
            )
        self._key = _derived(secret, "copies")
        self.token = _derived(secret, "token").hex()
        """Sent with a question to the edge. It opens nothing: the answer is sealed."""

    def __repr__(self) -> str:
        return "<WorkerKey>"

    def seal(self, plain: bytes, about: Iterable[str]) -> bytes:
        """Encrypt a copy for (user, execution, secret)."""
        return seal(self._key, plain, bound("copy", *about))

    def unseal(self, sealed: bytes, about: Iterable[str]) -> bytes:
        """Decrypt one. Errors: SealBrokenError."""
        return unseal(self._key, sealed, bound("copy", *about))


def _derived(secret: str, use: str) -> bytes:
    info = f"millstream worker {use}".encode()
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(secret.encode())
