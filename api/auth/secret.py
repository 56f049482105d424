"""Random secrets that are shown once, and what is derived from the account key."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from millstream.schemas.errors import ConfigurationError

LEAST_CHARS = 16
NONCE_BYTES = 12


def new_secret() -> str:
    """Return 256 random bits as text."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> bytes:
    """Return what is stored of a random secret. Plain SHA-256 is enough: there is nothing to guess in 256 bits."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()


@dataclass(frozen=True, slots=True)
class RootKey:
    """Keys for different uses out of one setting; none can be told from another."""

    secret: str = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) < LEAST_CHARS:
            raise ConfigurationError(
                f"The account key has {len(self.secret)} characters; at least {LEAST_CHARS} random ones are needed."
            )

    def derive(self, use: str) -> bytes:
        """Return 32 bytes for one use."""
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"millstream {use}".encode()).derive(
            self.secret.encode()
        )

    def mark(self, use: str, text: str) -> str:
        """Return a code that only we can make for `text`."""
        return hmac.new(self.derive(use), text.encode(), hashlib.sha256).hexdigest()

    def seal(self, plain: bytes, about: str) -> bytes:
        """Encrypt; `about` (such as a row's id) must be the same when it is opened."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + AESGCM(self.derive("seal")).encrypt(nonce, plain, about.encode())

    def open(self, sealed: bytes, about: str) -> bytes:
        """Decrypt. Errors: ConfigurationError: the account key is another than it was."""
        try:
            return AESGCM(self.derive("seal")).decrypt(
                sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], about.encode()
            )
        except InvalidTag as error:
            raise ConfigurationError("A second factor was sealed with another account key.") from error
