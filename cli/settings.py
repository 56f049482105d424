"""All settings of the platform, in one frozen class. `docs/settings.md` is generated from it."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from millstream.cli.outside import IssuerSettings, KafkaSecurity, SmtpSettings
from millstream.cli.rates import RateSettings
from millstream.schemas.errors import ConfigurationError
from millstream.schemas.signing import Signer

PREFIX = "MILLSTREAM_"
NESTED = "__"

REFUSED = {
    "exactly_once": "exactly_once stalls under Faust (0 of 1,000 executions ended); the engine is at least "
    "once with deterministic ids, so an outcome never changes. Unset it.",
    "confluent": "Faust's confluent:// driver never gets an assignment; the driver is aiokafka. Unset it and "
    "name the brokers as host:port in MILLSTREAM_KAFKA.",
}
"""Values that people bring along from Faust, and why we refuse them."""
FAUST_VARIABLES = ("PROCESSING_GUARANTEE", "BROKER_URL", "BROKER_CONSUMER", "BROKER_PRODUCER")
"""Variables that Faust reads from the environment by itself, also with `MILLSTREAM_` in front."""


class Settings(BaseSettings):
    """Everything that can be set. Read once, by `load`, in a composition root; never below `cli/`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter=NESTED, frozen=True, extra="forbid", env_ignore_empty=True
    )

    home: Path = Field(
        Path("~/.millstream"),
        description="Folder for all data of this platform: log, database, files, secrets. One platform a folder.",
    )
    host: str = Field("127.0.0.1", description="Address on which the edge listens.")
    port: Annotated[int, Field(ge=1, le=65535)] = Field(
        8000, description="TCP port on which the edge listens."
    )
    kafka: str = Field(
        "",
        description="Bootstrap servers of an outside Kafka, `host:port,host:port`. Empty: the embedded one.",
    )
    kafka_security: KafkaSecurity = Field(KafkaSecurity(), description="How to log in to the outside Kafka.")
    kafka_jars: Path | None = Field(
        None,
        description="Folder with the jars of Apache Kafka, instead of the download (`libs` of a release).",
    )
    replication: Annotated[int, Field(ge=1, le=9)] = Field(
        1, description="Replicas per partition of our topics. 1 for the embedded broker, 3 for a cluster."
    )
    postgres: SecretStr = Field(
        SecretStr(""),
        description="DSN of an outside PostgreSQL with pgvector, `postgresql://user:password@host/db`. "
        "Empty: the embedded one.",
    )
    redis: SecretStr = Field(
        SecretStr(""),
        description="URL of an outside Redis, `redis://` or `rediss://`, with `appendfsync always`. "
        "Empty: the embedded one.",
    )
    objects_url: str = Field(
        "",
        description="Object store for large values, `s3://...` or `file://...`. Empty: a folder in `home`.",
    )
    workers: Annotated[int, Field(ge=1, le=64)] = Field(
        1, description="Worker processes that `up` starts, and as many coordinators unless that is set too."
    )
    coordinators: Annotated[int, Field(ge=0, le=64)] = Field(
        0, description="Coordinator processes that `up` starts. 0: as many as workers."
    )
    standbys: Annotated[int, Field(ge=0, le=4)] = Field(
        0,
        description="Copies of each partition of the coordinators' tables that other coordinators keep up to date, so that "
        "they take over without reading the changelog. The same for all coordinators of a cluster.",
    )
    schemas_up_to: Annotated[int, Field(ge=0)] = Field(
        0,
        description="Highest schema id to write, while processes of an older version run beside this one: "
        "`millstream version` there says it. 0: the newest.",
    )
    slots: Annotated[int, Field(ge=1, le=100_000)] = Field(
        500, description="Tasks of one lane that a worker process runs at once."
    )
    inbox_lag: Annotated[int, Field(ge=0)] = Field(
        20_000,
        description="Records that coordinators or admission may be behind; beyond, the edge answers 503 to whoever starts "
        "something, until they have caught up to three quarters. 0: any number.",
    )
    lane_lag: Annotated[int, Field(ge=0)] = Field(
        100_000, description="The same for the tasks that wait in one lane."
    )
    sink_lag: Annotated[int, Field(ge=0)] = Field(
        200_000, description="The same for the records that the PostgreSQL sink has not written."
    )
    silent_s: Annotated[float, Field(ge=0)] = Field(
        120.0,
        description="Seconds after which the engine is asked to look at a run of which nothing was heard: a lost task is "
        "given again. 0: never.",
    )
    history_months: Annotated[int, Field(ge=0, le=1200)] = Field(
        0,
        description="Executions are removed from PostgreSQL so many months after the end of the month in which they began; "
        "a month with an execution that is still open waits for it. 0: never.",
    )
    sockets: Annotated[int, Field(ge=1, le=100_000)] = Field(
        10_000, description="WebSockets that an edge process serves at once; more are asked to try again."
    )
    user_sockets: Annotated[int, Field(ge=1, le=100_000)] = Field(
        200, description="WebSockets of one user at once, of an edge process."
    )
    user_executions: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        32,
        description="Executions of one user that run at once; more wait in order. Those that wait for people, or five seconds "
        "and longer for a time, do not count.",
    )
    user_nodes: Annotated[int, Field(ge=8, le=10_000_000)] = Field(
        512,
        description="Node executions in flight of one user, shared out among the executions that run: 8 to 256 for each.",
    )
    user_queue: Annotated[int, Field(ge=1, le=10_000_000)] = Field(
        10_000,
        description="Executions of one user that may wait; beyond, starting one more is refused with 429.",
    )
    blocks: Path | None = Field(
        None,
        description="Folder whose `*.py` bring blocks too, and are live when they are saved; for development, as "
        "`millstream dev` sets it. Whoever can write there runs code in workers and edge.",
    )
    http_allow: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Addresses in private networks, `host:port`, that blocks may call all the same; separated by commas.",
    )
    service_urls: dict[str, str] = Field(
        {},
        description="Where services stand that are not at their public address, such as an enterprise server: a JSON object "
        'of URLs by service, `{"github": "https://github.example.com/api/v3"}`. Credentials that name no hosts go there.',
    )
    models: SecretStr = Field(
        SecretStr(""),
        description="Providers of models: a JSON object with `default` (`provider` or `provider:model`, for runs without a "
        "credential) and `providers`, by name, with `base_url`, `api_key`, `at_once` and more (docs/models.md).",
    )
    echo_model: str = Field(
        "",
        description="URL of the echo model, the local demo model, such as `http://127.0.0.1:8010/v1`; `up` starts one and "
        "sets it for its children.",
    )
    token: SecretStr = Field(
        SecretStr(""), description="Token of the local user. Empty: made once and kept in `home`."
    )
    account_key: SecretStr = Field(
        SecretStr(""),
        description="Root of all keys of log-ins: signs access tokens, seals second factors; the same for all edges. "
        "Empty: made once and kept in `home`; an edge that `up` does not start then makes one for itself alone.",
    )
    master_keys: SecretStr = Field(
        SecretStr(""),
        description="Keys that wrap the keys of credentials and secret values: `id:base64,id:base64`, 32 random bytes each; "
        "the first seals, all open. The same for all edges. Empty: made once and kept in `home`, and changed there by "
        "`millstream secrets rotate`.",
    )
    worker_key: SecretStr = Field(
        SecretStr(""),
        description="Key that edges and workers share: secrets travel sealed with it. Empty: made once and kept in `home`; "
        "processes that `up` does not start then have no secrets for blocks.",
    )
    edge_url: str = Field(
        "",
        description="URL under which workers reach an edge, for secrets that Redis has lost; `up` sets it for its children.",
    )
    oauth_providers: SecretStr = Field(
        SecretStr(""),
        description="Services whose accounts people may connect: a JSON object by provider with `client_id`, `client_secret`, "
        "`authorize_url`, `token_url`, and perhaps `scopes`, `hosts`, `parameters`.",
    )
    oauth_redirect_url: str = Field(
        "",
        description="Page to which those services send people back. Empty: `/oauth/callback` under the public URL.",
    )
    setup_code: SecretStr = Field(
        SecretStr(""),
        description="With it the first account is made, which becomes admin; of no use afterwards. "
        "Empty: made once and kept in `home`.",
    )
    sign_up: Literal["open", "invite", "closed"] = Field(
        "invite",
        description="Who may make an account: anybody with an address, people who were invited, nobody.",
    )
    production: bool = Field(
        False, description="Others use this platform: GraphQL tells nobody its schema (introspection is off)."
    )
    public_url: str = Field(
        "",
        description="Where people reach the edge, `https://host`; in the links of mails, and what tokens are issued by. "
        "With `https` cookies are for TLS alone. Empty: `http://host:port`.",
    )
    web: bool = Field(
        True,
        description="Whether the edge serves the web application; `up` builds it in a checkout when its sources have changed.",
    )
    docs: bool | None = Field(
        None, description="Whether there is a page to try the API at `/docs`; default: only on loopback."
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Addresses or networks of the proxies before the edge, separated by commas: they speak TLS with people; "
        "their `X-Forwarded-For` and `-Proto` are believed. Without them or TLS of its own it listens on loopback alone.",
    )
    tls_certificate: Path | None = Field(
        None,
        description="PEM file of the certificate, with its chain, with which `millstream edge` speaks TLS itself. Read at the "
        "start. `up` has none: it is for one machine.",
    )
    tls_key: Path | None = Field(None, description="PEM file of the certificate's key, without a password.")
    smtp: SmtpSettings = Field(SmtpSettings(), description="Server that takes our mail.")
    issuer: IssuerSettings = Field(IssuerSettings(), description="Outside issuer of tokens.")
    sso: SecretStr = Field(
        SecretStr(""),
        description="Providers by whom people log in: a JSON list of objects with `name`, `preset` (`oidc`, `google`, "
        "`github`), `issuer`, `client_id`, `client_secret`, and more (docs/security.md).",
    )
    rates: RateSettings = Field(RateSettings(), description="How often somebody may ask.")
    signing_key: SecretStr = Field(
        SecretStr(""),
        description="Key that signs what the processes say to each other; the same for all of a cluster. "
        "Empty: made once and kept in `home`; processes that `up` does not start then sign and check nothing.",
    )
    signing_key_previous: SecretStr = Field(
        SecretStr(""),
        description="Key that was in `signing_key` before: still accepted, while keys are changed.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least level that is logged."
    )
    instance: str = Field(
        "", description="Name of this process, such as `worker-0`; `up` sets it for its children."
    )
    ready_file: Path | None = Field(
        None, description="File that a process without a port makes once it is ready; `up` sets it."
    )

    @field_validator("home", "kafka_jars", "ready_file", "blocks", mode="after")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return None if value is None else Path(os.path.abspath(value.expanduser()))

    @field_validator("http_allow", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return (
            tuple(part.strip() for part in value.split(",") if part.strip())
            if isinstance(value, str)
            else value
        )

    @field_validator("public_url", mode="after")
    @classmethod
    def _origin(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/")):
            raise ValueError(f"{value!r} is not https://host")
        return value.rstrip("/")

    @field_validator("issuer", mode="after")
    @classmethod
    def _one_kind_of_key(cls, value: IssuerSettings) -> IssuerSettings:
        if value.url and bool(value.secret.get_secret_value()) == bool(value.jwks_url):
            raise ValueError("an outside issuer has either a `secret` or a `jwks_url`")
        return value

    @field_validator("kafka", mode="after")
    @classmethod
    def _bootstrap(cls, value: str) -> str:
        scheme, separator, rest = value.partition("://")
        if separator and scheme not in ("kafka", "aiokafka"):
            raise ValueError(
                f"the driver {scheme!r} is refused: its consumer never gets an assignment under Faust; "
                "write host:port alone, the driver is aiokafka"
            )
        servers = [server.strip() for server in (rest if separator else value).split(",") if server.strip()]
        for server in servers:
            host, _, port = server.rpartition(":")
            if not host or not port.isdecimal():
                raise ValueError(f"{server!r} is not host:port")
        return ",".join(servers)

    @property
    def objects(self) -> str:
        """URL of the object store, with the default filled in."""
        return self.objects_url or f"file://{self.home}/objects"

    def signer(self) -> Signer | None:
        """Return what signs records and checks them, None without a key."""
        key = self.signing_key.get_secret_value()
        return Signer(key, self.signing_key_previous.get_secret_value()) if key else None

    def aiokafka(self) -> dict[str, Any]:
        """Return the connection arguments of aiokafka's clients (bootstrap, TLS, SASL)."""
        security = self.kafka_security
        options: dict[str, Any] = {
            "bootstrap_servers": self.kafka,
            "security_protocol": security.protocol,
            "ssl_context": security.ssl_context(),
        }
        if security.sasl:
            options |= {
                "sasl_mechanism": security.sasl_mechanism,
                "sasl_plain_username": security.sasl_username,
                "sasl_plain_password": security.sasl_password.get_secret_value(),
            }
        return options

    def confluent(self) -> dict[str, Any]:
        """Return the configuration of confluent-kafka's clients; its partitioner is the one that aiokafka has."""
        security = self.kafka_security
        options: dict[str, Any] = {
            "bootstrap.servers": self.kafka,
            "security.protocol": security.protocol,
        }
        if security.sasl:
            options |= {
                "sasl.mechanism": security.sasl_mechanism,
                "sasl.username": security.sasl_username,
                "sasl.password": security.sasl_password.get_secret_value(),
            }
        files = {
            "ssl.ca.location": security.ssl_cafile,
            "ssl.certificate.location": security.ssl_certfile,
            "ssl.key.location": security.ssl_keyfile,
        }
        return options | {key: str(path) for key, path in files.items() if security.tls and path is not None}


def section_of(field: FieldInfo) -> type[BaseModel] | None:
    """Return the model of a field that is a section of settings, None for a plain one."""
    annotation = field.annotation
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def variables() -> dict[str, str]:
    """Return every variable that is read, with what it says, in the order of the fields."""
    found = {}
    for name, field in Settings.model_fields.items():
        if (section := section_of(field)) is not None:
            for inner, inner_field in section.model_fields.items():
                found[f"{PREFIX}{name}{NESTED}{inner}".upper()] = inner_field.description or ""
        else:
            found[f"{PREFIX}{name}".upper()] = field.description or ""
    return found


def refuse_strangers(environ: Mapping[str, str]) -> None:
    """Refuse misspelt variables, which pydantic passes over in silence, and Faust's own that would break us.

    Errors: ConfigurationError, naming the nearest variable.
    """
    known = variables()
    for name in sorted(environ):
        if name.upper().removeprefix(PREFIX) in FAUST_VARIABLES:
            for value, reason in REFUSED.items():
                if environ[name].lower().startswith(value):
                    raise ConfigurationError(f"{name}={environ[name]!r} is refused: {reason}", variable=name)
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            near = difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else "docs/settings.md has them all."
            raise ConfigurationError(f"There is no setting {name}: {hint}", variable=name)


def load(**overrides: Any) -> Settings:
    """Read the settings from the environment; `overrides` (command line options) win.

    Errors: ConfigurationError, naming the variable and what is wrong with it.
    """
    refuse_strangers(os.environ)
    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        variable = (PREFIX + NESTED.join(str(part) for part in first["loc"])).upper()
        reason = first["msg"].removeprefix("Value error, ")
        raise ConfigurationError(f"{variable}: {reason}.", variable=variable) from error
