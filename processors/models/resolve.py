"""Who is asked: from the name of a model and the credential to a provider, a model, an address and a key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from millstream.processors.credentials import AnyCredential, ApiKey
from millstream.processors.models.interface import AUTO, Choice
from millstream.processors.models.providers import ECHO, Ability, Offer, Provider
from millstream.processors.services import Credential
from millstream.schemas.errors import AddressRefusedError, BlockInputError, CredentialError

_PREFIXES: Final = (
    ("echo", ECHO),
    ("gpt-", "openai"),
    ("o1", "openai"),
    ("o3", "openai"),
    ("o4", "openai"),
    ("chatgpt-", "openai"),
    ("text-embedding-", "openai"),
    ("omni-moderation", "openai"),
    ("whisper-1", "openai"),
    ("tts-", "openai"),
    ("dall-e", "openai"),
    ("claude-", "anthropic"),
    ("llama-3", "groq"),
    ("llama3", "ollama"),
    ("dolphin-", "ollama"),
    ("Llama-", "llama_api"),
    ("v0-", "v0"),
    ("mistral-", "mistral"),
    ("deepseek-", "deepseek"),
)
"""Whose a model is by how its name begins. The first that fits."""
_STRICT: Final = frozenset({"openai", "anthropic"})
"""Providers that have their own models and no others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One address to ask."""

    provider: Provider
    model: str
    base_url: str
    headers: dict[str, str] = field(repr=False)
    """The key, in the header in which this provider takes it."""
    bound_to: str
    """Whose limit counts: the credential, or the provider for all who bring none."""

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.provider.title} ({self.model})"


def resolve(choice: Choice, offer: Offer, ability: Ability) -> Target:
    """Return whom to ask. Errors: BlockInputError, CredentialError, AddressRefusedError."""
    provider, model = _named(choice, offer, ability)
    base_url = (choice.base_url or provider.base_url).rstrip("/")
    if not base_url:
        raise BlockInputError(_nowhere(provider))
    if not (base_url.startswith(("http://", "https://")) and base_url.isprintable()):
        raise BlockInputError(f"{base_url[:200]!r} is no address; it looks like http://host:11434/v1.")
    if model == AUTO:
        model = provider.defaults.get(ability, "")
    if not model:
        raise BlockInputError(f"{provider.title} has no default for this; name a model.")
    own_address = not choice.base_url or choice.base_url.rstrip("/") == provider.base_url
    return Target(
        provider=provider,
        model=model,
        base_url=base_url,
        headers=_headers(provider, choice.auth, base_url, own_address=own_address),
        bound_to=choice.auth.id if choice.auth else f"{provider.name} {base_url}",
    )


def _nowhere(provider: Provider) -> str:
    if provider.name == ECHO:
        return (
            "There is no key for a model and no local demo model here: add a credential, or have the operator set "
            "MILLSTREAM_ECHO_MODEL."
        )
    return f"{provider.title} needs a base URL, such as https://host/v1."


def _named(choice: Choice, offer: Offer, ability: Ability) -> tuple[Provider, str]:
    model, mine = choice.model.strip() or AUTO, choice.auth.provider if choice.auth else None
    table = offer.providers
    head, separator, rest = model.partition(":")
    if separator and rest and head in table:
        return table[head], rest
    if mine is not None:
        return _of_credential(mine, model, table)
    if model == AUTO:
        return _default(offer, ability)
    if choice.base_url:
        return table["openai_compatible"], model
    whose = _whose(model) or ("open_router" if "/" in model else None)
    if whose is None:
        raise BlockInputError(
            f"Nobody here has a model {model[:100]!r}: choose a credential, or write provider:model. Providers: "
            f"{', '.join(sorted(table))}."
        )
    return table[whose], model


def _whose(model: str) -> str | None:
    return next((name for prefix, name in _PREFIXES if model.startswith(prefix)), None)


def _of_credential(mine: str, model: str, table: Mapping[str, Provider]) -> tuple[Provider, str]:
    if mine not in table:
        raise CredentialError(f"A credential for {mine!r} is of no use here: that is no provider of models.")
    whose = _whose(model)
    if whose == ECHO:
        return table[ECHO], model
    if mine in _STRICT and whose in _STRICT and whose != mine:
        raise CredentialError(
            f"The model {model!r} is one of {table[whose].title}; the chosen credential is for {table[mine].title}. "
            "Choose a credential or a model that fits."
        )
    return table[mine], model


def _default(offer: Offer, ability: Ability) -> tuple[Provider, str]:
    """Return whom to ask without a credential and without a model: for what the operator's default cannot, the echo model."""
    name, _, model = offer.default.partition(":")
    provider = offer.providers[name]
    if ability == "chat" and model:
        return provider, model
    return (provider if ability in provider.defaults else offer.providers[ECHO]), AUTO


def _headers(
    provider: Provider, auth: AnyCredential | None, base_url: str, *, own_address: bool
) -> dict[str, str]:
    parts = urlsplit(base_url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    host = parts.hostname or ""
    if provider.name == ECHO:
        return {}
    if auth is None:
        key = provider.api_key.get_secret_value() if own_address else ""
        if not key and provider.needs_key:
            raise CredentialError(
                f"No key for {provider.title}: add a credential for {provider.name!r} and choose it on the pin `credentials`; "
                f"or take the model 'echo-1', which runs here and needs none.",
                provider=provider.name,
            )
        return _in_header(provider, key) if key else {}
    named = _in_header(provider, auth.api_key.get_secret_value()) if isinstance(auth, ApiKey) else None
    credential = Credential(
        hosts=auth.hosts or (provider.hosts if auth.provider == provider.name else frozenset()),
        headers=named or auth.headers(),
    )
    if not credential.allows(parts.scheme, host, port):
        hosts = ", ".join(sorted(credential.hosts)) or "no host; name its hosts"
        raise AddressRefusedError(f"This credential is for {hosts}, not for '{host}:{port}'.")
    return dict(credential.headers)


def _in_header(provider: Provider, key: str) -> dict[str, str]:
    return {provider.key_header: f"Bearer {key}" if provider.key_header == "Authorization" else key}
