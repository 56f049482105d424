"""The table of providers: where they are, what they can, whom their keys are for.

A key goes to its provider's hosts, or to those that the credential itself names, and to no others. Services of which anybody
can have a server under the provider's name (Azure, OpenAI-compatible ones) have no hosts here: their credentials must name
them, else the author of a graph could have a runner's key sent to a server of his own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import orjson
from pydantic import SecretStr

from millstream.schemas.errors import ConfigurationError

ECHO: Final = "echo"
Ability = Literal["chat", "embed", "moderate", "transcribe", "speak", "draw"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One service of models."""

    name: str
    """As credentials name it."""
    title: str
    base_url: str = ""
    """Empty: whoever asks names it."""
    hosts: frozenset[str] = frozenset()
    """Where keys without hosts of their own go."""
    form: Literal["openai", "anthropic"] = "openai"
    needs_key: bool = True
    key_header: str = "Authorization"
    defaults: Mapping[str, str] = field(default_factory=dict)
    """By ability: the model that `auto` stands for."""
    prices: str = ""
    """Name in the table of prices; empty: calls cost nothing that we know of."""
    completion_tokens: bool = False
    """The limit is called `max_completion_tokens`, not `max_tokens`."""
    at_once: int = 100
    """Calls of one credential at the same time; more wait."""
    api_key: SecretStr = SecretStr("")
    """The operator's, for runs without a credential."""


_OPENAI_DEFAULTS: Final = {
    "chat": "gpt-5.2-2025-12-11",
    "embed": "text-embedding-3-small",
    "moderate": "omni-moderation-latest",
    "transcribe": "whisper-1",
    "speak": "gpt-4o-mini-tts",
    "draw": "gpt-image-1",
}
_ECHO_DEFAULTS: Final = {
    "chat": "echo-1",
    "embed": "echo-embedding",
    "moderate": "echo-moderation",
    "transcribe": "echo-transcription",
    "speak": "echo-speech",
    "draw": "echo-image",
}


def _public(name: str, title: str, base_url: str, **more: Any) -> Provider:
    host = urlsplit(base_url).hostname or ""
    return Provider(name=name, title=title, base_url=base_url, hosts=frozenset({host}), **more)


def _own(name: str, title: str, base_url: str = "", **more: Any) -> Provider:
    return Provider(name=name, title=title, base_url=base_url, needs_key=False, **more)


KNOWN: Final[tuple[Provider, ...]] = (
    _own(ECHO, "echo (local demo model)", defaults=_ECHO_DEFAULTS, at_once=2_000),
    _public(
        "openai",
        "OpenAI",
        "https://api.openai.com/v1",
        defaults=_OPENAI_DEFAULTS,
        prices="openai",
        completion_tokens=True,
    ),
    _public(
        "anthropic",
        "Anthropic",
        "https://api.anthropic.com",
        form="anthropic",
        key_header="X-Api-Key",
        defaults={"chat": "claude-sonnet-5"},
        prices="anthropic",
    ),
    _public(
        "groq",
        "Groq",
        "https://api.groq.com/openai/v1",
        defaults={"chat": "llama-3.3-70b-versatile", "transcribe": "whisper-large-v3-turbo"},
        prices="groq",
    ),
    _public(
        "open_router",
        "OpenRouter",
        "https://openrouter.ai/api/v1",
        defaults={"chat": "openai/gpt-4o-mini"},
        prices="openrouter",
    ),
    _public(
        "aiml_api",
        "AI/ML API",
        "https://api.aimlapi.com/v1",
        defaults={"chat": "meta-llama/Llama-3.3-70B-Instruct-Turbo"},
    ),
    _public(
        "llama_api",
        "Llama API",
        "https://api.llama.com/compat/v1",
        defaults={"chat": "Llama-3.3-70B-Instruct"},
        prices="meta",
    ),
    _public("v0", "v0", "https://api.v0.dev/v1", defaults={"chat": "v0-1.5-md"}),
    _public(
        "mistral",
        "Mistral",
        "https://api.mistral.ai/v1",
        defaults={"chat": "mistral-small-latest", "embed": "mistral-embed"},
        prices="mistral",
    ),
    _public(
        "deepseek",
        "DeepSeek",
        "https://api.deepseek.com/v1",
        defaults={"chat": "deepseek-chat"},
        prices="deepseek",
    ),
    Provider(
        name="azure_openai",
        title="Azure OpenAI",
        key_header="api-key",
        prices="azure",
        completion_tokens=True,
    ),
    Provider(name="openai_compatible", title="OpenAI-compatible server", needs_key=False),
    _own("ollama", "Ollama", "http://localhost:11434/v1", defaults={"chat": "llama3.2"}),
    _own("vllm", "vLLM", "http://localhost:8000/v1"),
    _own("lm_studio", "LM Studio", "http://localhost:1234/v1"),
)


@dataclass(frozen=True, slots=True)
class Offer:
    """The providers of one platform."""

    providers: Mapping[str, Provider]
    default: str = ECHO
    """`provider`, or `provider:model`: whom runs without a credential ask for `auto`."""


_FIELDS: Final = frozenset({"title", "base_url", "api_key", "at_once", "needs_key", "defaults"})


def offer(config: str = "", *, echo_url: str = "") -> Offer:
    """Return the providers, with what the operator has set. `config`: `MILLSTREAM_MODELS`. Errors: ConfigurationError."""
    table = {provider.name: provider for provider in KNOWN}
    table[ECHO] = dataclasses.replace(table[ECHO], base_url=echo_url)
    try:
        given = orjson.loads(config or "{}")
        for name, fields in given.get("providers", {}).items():
            table[name] = _changed(table.get(name), name, dict(fields))
        default = str(given.get("default", ECHO))
        if unknown := set(given) - {"providers", "default"}:
            raise ValueError(f"unknown fields {', '.join(sorted(unknown))}")
        if default.partition(":")[0] not in table:
            raise ValueError(f"the default {default!r} names no provider")
    except (ValueError, AttributeError, TypeError) as error:
        why = "it is not JSON" if isinstance(error, orjson.JSONDecodeError) else str(error)
        raise ConfigurationError(f"MILLSTREAM_MODELS: {why}; docs/models.md has an example.") from None
    return Offer(table, default)


def _changed(known: Provider | None, name: str, fields: dict[str, Any]) -> Provider:
    if unknown := set(fields) - _FIELDS:
        raise ValueError(f"{name!r} has unknown fields {', '.join(sorted(unknown))}")
    provider = known or Provider(name=name, title=name, needs_key=False)
    if "api_key" in fields:
        fields["api_key"] = SecretStr(str(fields["api_key"]))
    if "base_url" in fields:
        parts = urlsplit(str(fields["base_url"]))
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{name!r} has no http or https `base_url`")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        fields["hosts"] = frozenset({f"{parts.hostname}:{port}"})
        fields["base_url"] = str(fields["base_url"]).rstrip("/")
    return dataclasses.replace(provider, **fields)
