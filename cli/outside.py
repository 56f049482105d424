"""Settings of what is outside: brokers, a mail server, an issuer of tokens."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class KafkaSecurity(BaseModel):
    """How to log in to an outside Kafka. Variables: `MILLSTREAM_KAFKA_SECURITY__<FIELD>`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", description="Transport of the connection to the brokers."
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        default="PLAIN", description="SASL mechanism; only read with a `SASL_` protocol."
    )
    sasl_username: str = Field(default="", description="SASL user name.")
    sasl_password: SecretStr = Field(default=SecretStr(""), description="SASL password.")
    ssl_cafile: Path | None = Field(
        default=None,
        description="PEM file with the CA that signed the brokers' certificates; default: the system's.",
    )
    ssl_certfile: Path | None = Field(
        default=None, description="PEM file with our client certificate, for mutual TLS."
    )
    ssl_keyfile: Path | None = Field(default=None, description="PEM file with the key of `ssl_certfile`.")

    @property
    def tls(self) -> bool:
        return self.protocol.endswith("SSL")

    @property
    def sasl(self) -> bool:
        return self.protocol.startswith("SASL")

    def ssl_context(self) -> ssl.SSLContext | None:
        """Return the TLS context that the protocol asks for, None without TLS."""
        if not self.tls:
            return None
        context = ssl.create_default_context(cafile=str(self.ssl_cafile) if self.ssl_cafile else None)
        if self.ssl_certfile:
            context.load_cert_chain(
                str(self.ssl_certfile), str(self.ssl_keyfile) if self.ssl_keyfile else None
            )
        return context


class SmtpSettings(BaseModel):
    """Server that takes our mail. Variables: `MILLSTREAM_SMTP__<FIELD>`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(
        default="", description="SMTP server. Empty: mails are kept as files in `mail/` of `home`."
    )
    port: Annotated[int, Field(ge=1, le=65535)] = Field(
        default=587, description="TCP port of the SMTP server."
    )
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="TLS of the connection to the SMTP server."
    )
    username: str = Field(default="", description="User name at the SMTP server.")
    password: SecretStr = Field(default=SecretStr(""), description="Password at the SMTP server.")
    sender: str = Field(default="millstream@localhost", description="Address from which mails come.")


class IssuerSettings(BaseModel):
    """Outside issuer of tokens, such as Supabase. Variables: `MILLSTREAM_ISSUER__<FIELD>`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(
        default="", description="`iss` of an outside issuer whose access tokens are good here. Empty: none."
    )
    audience: str = Field(default="authenticated", description="`aud` that its tokens must have.")
    secret: SecretStr = Field(
        default=SecretStr(""), description="Secret that it shares with us (HS256); else `jwks_url` is needed."
    )
    jwks_url: str = Field(default="", description="URL of its public keys (ES256, RS256, Ed25519).")
