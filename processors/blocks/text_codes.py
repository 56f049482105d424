"""Text as codes: hashes, signatures, Base64, and things made by chance."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import random
import secrets
import string
import uuid
from typing import Annotated, Any, Literal

from pydantic import Field

from millstream.processors.annotations import Advanced, SecretText
from millstream.processors.context import Context
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.schemas.errors import BlockInputError

Digest = Literal["sha256", "sha512", "sha1", "md5", "blake2b", "sha3_256"]
Form = Literal["hex", "base64"]

_NAMESPACES = {
    "url": uuid.NAMESPACE_URL,
    "dns": uuid.NAMESPACE_DNS,
    "oid": uuid.NAMESPACE_OID,
    "x500": uuid.NAMESPACE_X500,
}


def _written(digest: bytes, form: str) -> str:
    return digest.hex() if form == "hex" else base64.b64encode(digest).decode()


@block(
    categories=("TEXT", "DATA"),
    samples=[
        Sample(
            {"text": "abc"},
            [("result", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")],
        ),
        Sample({"text": "abc", "method": "md5", "form": "base64"}, [("result", "kAFQmDzST7DWlj99KOF/cg==")]),
    ],
)
async def hash_text(text: str, method: Digest = "sha256", form: Advanced[Form] = "hex") -> str:
    """Compute a fingerprint of a text (in UTF-8), such as to tell whether it changed.

    text: The text.
    method: How. `md5` and `sha1` are good for comparing with old systems, not for security.
    form: How the fingerprint is written.
    result: The fingerprint.
    """
    return _written(hashlib.new(method, text.encode(), usedforsecurity=False).digest(), form)


@block(
    categories=("TEXT", "DATA"),
    samples=[
        Sample(
            {"text": "what do ya want for nothing?", "secret": "Jefe"},
            [("result", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")],
        ),
        Sample({"text": "x", "secret": ""}, raises="block_input_invalid"),
    ],
)
async def sign_text(
    text: str,
    secret: SecretText,
    method: Advanced[Literal["sha256", "sha512", "sha1"]] = "sha256",
    form: Advanced[Form] = "hex",
) -> str:
    """Sign a text with a shared secret (HMAC), as many web services ask for.

    text: What to sign.
    secret: The secret that both sides know.
    method: The hash inside.
    form: How the signature is written.
    result: The signature.
    """
    if not secret:
        raise BlockInputError("The secret is empty; anybody could sign with that.")
    return _written(hmac.digest(secret.encode(), text.encode(), method), form)


@block(
    categories=("TEXT", "DATA"),
    samples=[
        Sample({"text": "Grüße?>"}, [("result", "R3LDvMOfZT8+")]),
        Sample({"text": "Grüße?>", "url_safe": True}, [("result", "R3LDvMOfZT8-")]),
    ],
)
async def base64_encode(text: str, url_safe: Advanced[bool] = False) -> str:
    """Write a text (in UTF-8) as Base64.

    text: The text.
    url_safe: Use `-` and `_`, and no `=` at the end.
    result: The same in Base64.
    """
    data = text.encode()
    if url_safe:
        return base64.urlsafe_b64encode(data).decode().rstrip("=")
    return base64.b64encode(data).decode()


@block(
    categories=("TEXT", "DATA"),
    samples=[
        Sample({"text": "R3LDvMOfZT8-"}, [("result", "Grüße?>")]),
        Sample({"text": "YQ\n"}, [("result", "a")]),
        Sample({"text": "a"}, raises="block_failed"),
        Sample({"text": "/////w=="}, raises="block_failed"),
    ],
)
async def base64_decode(text: str) -> str:
    """Read Base64 of either alphabet, with or without `=` at the end, as a text in UTF-8.

    text: Base64; blanks and line ends do not matter.
    result: The text that it stands for.
    """
    packed = "".join(text.split()).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        data = base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"The text is no Base64: {error}.") from error
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise ValueError(
            "The Base64 holds no text in UTF-8; to keep it as a file, give "
            "`data:application/octet-stream;base64,...` to FileStoreBlock."
        ) from error


@block(
    categories=("BASIC", "DATA"),
    samples=[
        Sample({}, [("result", lambda made: uuid.UUID(made).version == 4)]),
        Sample({"kind": "name", "name": "x"}, [("result", "4cd605e7-afa2-5360-b5b9-c5e9fb5c76f4")]),
        Sample({"kind": "name"}, raises="block_input_invalid"),
    ],
)
async def make_uuid(
    kind: Literal["random", "name"] = "random",
    name: str = "",
    namespace: Advanced[Literal["url", "dns", "oid", "x500"]] = "url",
) -> str:
    """Make an id that nobody else has (UUID).

    kind: `random` (version 4), or the same for the same `name` (version 5).
    name: The name that the id is made of.
    namespace: What kind of name it is.
    result: The id.
    """
    if kind == "random":
        return str(uuid.uuid4())
    if not name:
        raise BlockInputError("A UUID of a name needs a `name`.")
    return str(uuid.uuid5(_NAMESPACES[namespace], name))


_ALPHABETS = {
    "letters": string.ascii_letters,
    "digits": string.digits,
    "letters and digits": string.ascii_letters + string.digits,
    "hex": "0123456789abcdef",
    "easy to read": "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789",
    "with signs": string.ascii_letters + string.digits + "!#$%&()*+-./:;<=>?@[]^_{}~",
}


@block(
    categories=("BASIC", "TEXT"),
    samples=[
        Sample({"length": 12, "alphabet": "digits"}, [("result", lambda t: len(t) == 12 and t.isdigit())]),
        Sample({"length": 0}, raises="block_input_invalid"),
    ],
)
async def random_text(
    length: Annotated[int, Field(ge=1, le=10_000)] = 24,
    alphabet: Literal[
        "letters", "digits", "letters and digits", "hex", "easy to read", "with signs"
    ] = "letters and digits",
) -> str:
    """Make a text that nobody can guess, such as a code for a link. What comes out is visible in the run.

    length: How many characters.
    alphabet: Which characters; `easy to read` leaves out those that look alike.
    result: The text.
    """
    chars = _ALPHABETS[alphabet]
    return "".join(secrets.choice(chars) for _ in range(length))


def _chance(seed: str, ctx: Context) -> random.Random:
    """The same numbers for each attempt of a run, so that a repeat after a crash does not decide anew."""
    return random.Random(seed or ctx.idempotency_key)


@block(
    categories=("BASIC", "LOGIC"),
    samples=[
        Sample({"lowest": 1, "highest": 6, "seed": "a"}, [("result", lambda n: n in range(1, 7))]),
        Sample({"lowest": 0, "highest": 1, "whole": False}, [("result", lambda n: 0 <= n <= 1)]),
        Sample({"lowest": 2, "highest": 1}, raises="block_input_invalid"),
        Sample({"lowest": 0.2, "highest": 0.8}, raises="block_input_invalid"),
    ],
)
async def random_number(
    lowest: Annotated[float, Field(ge=-(2**53), le=2**53)] = 0,
    highest: Annotated[float, Field(ge=-(2**53), le=2**53)] = 100,
    whole: bool = True,
    seed: Advanced[str] = "",
    *,
    ctx: Context,
) -> float:
    """Draw a number. Each run draws anew; a run that is repeated after a crash gives the same again.

    lowest: Smallest number.
    highest: Largest number.
    whole: Whole numbers only.
    seed: The same seed gives the same number, always.
    result: The number.
    """
    if lowest > highest:
        raise BlockInputError(f"lowest is {lowest:g} and highest is {highest:g}; turn them round.")
    chance = _chance(seed, ctx)
    if not whole:
        return chance.uniform(lowest, highest)
    first, last = -int(-lowest // 1), int(highest // 1)
    if first > last:
        raise BlockInputError(f"There is no whole number between {lowest:g} and {highest:g}.")
    return chance.randint(first, last)


@block(
    categories=("BASIC", "LOGIC"),
    samples=[
        Sample(
            {"items": ["a", "b"], "count": 2, "seed": "x"}, [("result", lambda r: sorted(r) == ["a", "b"])]
        ),
        Sample({"items": ["a"], "count": 3, "repeats": True}, [("result", ["a", "a", "a"])]),
        Sample({"items": [], "count": 1}, raises="block_input_invalid"),
        Sample({"items": ["a"], "count": 2}, raises="block_input_invalid"),
    ],
)
async def pick_randomly(
    items: list[Any],
    count: Annotated[int, Field(ge=0, le=100_000)] = 1,
    repeats: Advanced[bool] = False,
    seed: Advanced[str] = "",
    *,
    ctx: Context,
) -> list[Any]:
    """Draw items of a list. With as many as there are, this shuffles the list.

    items: What to draw from.
    count: How many.
    repeats: An item may be drawn again.
    seed: The same seed draws the same items, always.
    result: The items, in the order in which they were drawn.
    """
    if count and not items:
        raise BlockInputError("The list is empty; there is nothing to draw.")
    if not repeats and count > len(items):
        raise BlockInputError(f"{count} items cannot be drawn of {len(items)} without repeats.")
    chance = _chance(seed, ctx)
    return chance.choices(items, k=count) if repeats else chance.sample(items, count)
