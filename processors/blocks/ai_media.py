"""Pictures, sound, vectors and judgement by models. Files come and go as references."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from pydantic import Field

from millstream.processors.annotations import EMPTY, Advanced, Emit, FileRef, Outputs
from millstream.processors.blocks.ai_text import text_of
from millstream.processors.context import Context
from millstream.processors.credentials import Credentials
from millstream.processors.guards.sniffing import media_type_of
from millstream.processors.models.interface import AUTO
from millstream.processors.models.pins import KEYS, Model, chosen
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.schemas.errors import BlockInputError

PICTURES_LIMIT_BYTES = 16 * 1024 * 1024
SAMPLE_PNG = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABpfZFQAAAAABJ"
    "RU5ErkJggg=="
)


class Seen(Outputs):
    """Pins of DescribeImageBlock."""

    response: str


@block(
    name="DescribeImageBlock",
    categories=("AI", "MULTIMEDIA"),
    lane="llm",
    samples=[
        Sample(
            {"images": [SAMPLE_PNG], "question": "What is this?"},
            [("response", lambda text: "[a picture, image/png" in text)],
        ),
        Sample({"images": ["data:text/plain,hello"]}, raises="block_input_invalid"),
    ],
)
async def describe_image(
    images: Annotated[list[FileRef], Field(min_length=1, max_length=10)],
    question: str = "What is in this picture?",
    detail: Advanced[Literal["auto", "low", "high"]] = "auto",
    model: Model = AUTO,
    credentials: Annotated[Credentials, KEYS] = EMPTY,
    base_url: Advanced[str] = "",
    max_tokens: Advanced[int | None] = None,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Seen]]:
    """Ask a model about pictures. The local demo model cannot see; it only says what it was given.

    images: The pictures: files of the workspace, data: URIs or web addresses; PNG, JPEG, GIF or WebP.
    question: What to say about them.
    detail: How closely to look: `low` costs less.
    model: The model; `auto` is the default of the credential's provider, and without a credential the local demo model.
    credentials: Whose model is asked.
    base_url: Address of an OpenAI-compatible server, if it is not the provider's own.
    max_tokens: Longest answer, in tokens.
    response: The answer.
    """
    content: list[dict[str, Any]] = [{"type": "text", "text": question}]
    size = 0
    for ref in images:
        file = await ctx.files.read(ref)
        size += len(file.data)
        kind = media_type_of(file.data)
        if kind not in ("image/png", "image/jpeg", "image/gif", "image/webp"):
            raise BlockInputError(f"{file.name or 'This file'} is {kind}, no picture that models take.")
        if size > PICTURES_LIMIT_BYTES:
            raise BlockInputError(
                f"The pictures have more than {PICTURES_LIMIT_BYTES:,} bytes together; make them smaller."
            )
        url = f"data:{kind};base64,{base64.b64encode(file.data).decode()}"
        content.append({"type": "image_url", "image_url": {"url": url, "detail": detail}})
    choice = await chosen(ctx, model, credentials, base_url=base_url)
    messages = [{"role": "user", "content": content}]
    reply = await ctx.models.chat(messages, choice, max_tokens=max_tokens, on_text=ctx.write)
    yield "response", text_of(reply)


class Vectors(Outputs):
    """Pins of EmbedTextsBlock."""

    vectors: list[list[float]]
    model: str


@block(
    name="EmbedTextsBlock",
    categories=("AI", "DATA"),
    lane="llm",
    samples=[
        Sample(
            {"texts": ["a cat", "a dog"], "dimensions": 64},
            [("vectors", lambda vectors: [len(v) for v in vectors] == [64, 64]), ("model", "echo-embedding")],
        ),
        Sample({"texts": []}, raises="block_input_invalid"),
    ],
)
async def embed_texts(
    texts: Annotated[list[str], Field(min_length=1, max_length=2048)],
    model: Model = AUTO,
    credentials: Annotated[Credentials, KEYS] = EMPTY,
    dimensions: Advanced[Annotated[int, Field(ge=8, le=8192)] | None] = None,
    base_url: Advanced[str] = "",
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Vectors]]:
    """Turn texts into vectors: those of similar texts are near each other.

    texts: The texts.
    model: The model; `auto` is the default of the credential's provider, and without a credential the local demo model.
    credentials: Whose model is asked.
    dimensions: Length of a vector, for models that let one choose.
    base_url: Address of an OpenAI-compatible server, if it is not the provider's own.
    vectors: One vector a text, in order.
    model: The model that made them; vectors of different models cannot be compared.
    """
    choice = await chosen(ctx, model, credentials, base_url=base_url)
    answer = await ctx.models.embed(texts, choice, dimensions=dimensions)
    yield "vectors", answer.vectors
    yield "model", answer.model


class Judged(Outputs):
    """Pins of ModerateTextBlock."""

    flagged: bool
    categories: list[str]
    scores: dict[str, float]
    safe_text: str


@block(
    name="ModerateTextBlock",
    categories=("AI", "SAFETY"),
    lane="llm",
    samples=[
        Sample(
            {"text": "I love you"},
            [("flagged", False), ("categories", []), ("scores", dict), ("safe_text", "I love you")],
        ),
        Sample(
            {"text": "I will kill you"}, [("flagged", True), ("categories", ["violence"]), ("scores", dict)]
        ),
    ],
)
async def moderate_text(
    text: Annotated[str, Field(max_length=200_000)],
    model: Model = AUTO,
    credentials: Annotated[Credentials, KEYS] = EMPTY,
    base_url: Advanced[str] = "",
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Judged]]:
    """Say whether a text is harmful. The local demo model knows a handful of words: build with it, do not rely on it.

    text: What to judge.
    model: The model; `auto` is the default of the credential's provider, and without a credential the local demo model.
    credentials: Whose model is asked.
    base_url: Address of an OpenAI-compatible server, if it is not the provider's own.
    flagged: Whether it is harmful.
    categories: In which ways.
    scores: How surely, 0 to 1, for each way.
    safe_text: The text itself, only if it is harmless.
    """
    [verdict] = await ctx.models.moderate([text], await chosen(ctx, model, credentials, base_url=base_url))
    yield "flagged", verdict.flagged
    yield "categories", sorted(name for name, hit in verdict.categories.items() if hit)
    yield "scores", verdict.scores
    if not verdict.flagged:
        yield "safe_text", text


class Heard(Outputs):
    """Pins of TranscribeAudioBlock."""

    text: str


@block(
    name="TranscribeAudioBlock",
    categories=("AI", "MULTIMEDIA"),
    lane="llm",
    samples=[
        Sample(
            {"audio": "data:audio/wav;base64,UklGRgAAAABXQVZF"},
            [("text", lambda text: "cannot hear" in text)],
        ),
        Sample({"audio": "data:audio/wav;base64,"}, raises="block_input_invalid"),
    ],
)
async def transcribe_audio(
    audio: FileRef,
    language: Advanced[Annotated[str, Field(max_length=10)]] = "",
    model: Model = AUTO,
    credentials: Annotated[Credentials, KEYS] = EMPTY,
    base_url: Advanced[str] = "",
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Heard]]:
    """Write down what is said in a recording, of 25 MB at most.

    audio: The recording: a file of the workspace, a data: URI or a web address; MP3, WAV, M4A, OGG, FLAC or WebM.
    language: Its language, as a code like `en`; empty: the model finds out.
    model: The model; `auto` is the default of the credential's provider, and without a credential the local demo model.
    credentials: Whose model is asked.
    base_url: Address of an OpenAI-compatible server, if it is not the provider's own.
    text: What is said.
    """
    file = await ctx.files.read(audio)
    if not file.data:
        raise BlockInputError("The recording is empty.")
    ending = {
        "audio/mpeg": "mp3",
        "audio/mp4": "m4a",
        "audio/ogg": "ogg",
        "audio/flac": "flac",
        "video/webm": "webm",
    }
    name = file.name if "." in file.name else f"audio.{ending.get(file.media_type, 'wav')}"
    choice = await chosen(ctx, model, credentials, base_url=base_url)
    yield "text", await ctx.models.transcribe(file.data, choice, name=name, language=language)


class Spoken(Outputs):
    """Pins of TextToSpeechBlock."""

    audio: FileRef


@block(
    name="TextToSpeechBlock",
    categories=("AI", "MULTIMEDIA"),
    lane="llm",
    samples=[
        Sample({"text": "Good morning"}, [("audio", lambda ref: ref.startswith("workspace://"))]),
        Sample({"text": ""}, raises="block_input_invalid"),
    ],
)
async def text_to_speech(
    text: Annotated[str, Field(max_length=100_000)],
    voice: Annotated[str, Field(max_length=100)] = "",
    audio_format: Advanced[Literal["mp3", "wav", "opus", "flac", "aac"]] = "mp3",
    model: Model = AUTO,
    credentials: Annotated[Credentials, KEYS] = EMPTY,
    base_url: Advanced[str] = "",
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Spoken]]:
    """Say a text aloud. The local demo model makes a tone for each word, as WAV.

    text: What to say.
    voice: Whose voice, such as `alloy`; empty: the provider's first.
    audio_format: Form of the file.
    model: The model; `auto` is the default of the credential's provider, and without a credential the local demo model.
    credentials: Whose model is asked.
    base_url: Address of an OpenAI-compatible server, if it is not the provider's own.
    audio: The recording, as a file of the workspace.
    """
    choice = await chosen(ctx, model, credentials, base_url=base_url)
    speech = await ctx.models.speak(text, choice, voice=voice, audio_format=audio_format)
    ending = "wav" if speech.media_type == "audio/wav" else audio_format
    yield "audio", await ctx.files.write(speech.data, name=f"speech.{ending}", media_type=speech.media_type)


class Drawn(Outputs):
    """Pins of GenerateImageBlock."""

    image: FileRef
    images: list[FileRef]


@block(
    name="GenerateImageBlock",
    categories=("AI", "MULTIMEDIA"),
    lane="llm",
    samples=[
        Sample(
            {"prompt": "a red house", "size": "64x64", "count": 2},
            [("image", str), ("image", str), ("images", lambda refs: len(refs) == 2)],
        ),
        Sample({"prompt": "x", "count": 99}, raises="block_input_invalid"),
    ],
)
async def generate_image(
    prompt: Annotated[str, Field(min_length=1, max_length=32_000)],
    size: Annotated[str, Field(pattern=r"^(|auto|\d{2,4}x\d{2,4})$")] = "",
    count: Advanced[Annotated[int, Field(ge=1, le=10)]] = 1,
    model: Model = AUTO,
    credentials: Annotated[Credentials, KEYS] = EMPTY,
    base_url: Advanced[str] = "",
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Drawn]]:
    """Have a model draw pictures. The local demo model draws coloured squares.

    prompt: What to draw.
    size: Width and height such as 1024x1024; empty: as the model likes.
    count: How many.
    model: The model; `auto` is the default of the credential's provider, and without a credential the local demo model.
    credentials: Whose model is asked.
    base_url: Address of an OpenAI-compatible server, if it is not the provider's own.
    image: Each picture, as a file of the workspace.
    images: All pictures.
    """
    choice = await chosen(ctx, model, credentials, base_url=base_url)
    refs = []
    for number, picture in enumerate(await ctx.models.draw(prompt, choice, size=size, count=count)):
        ending = picture.media_type.rpartition("/")[2]
        ref = await ctx.files.write(
            picture.data, name=f"picture-{number + 1}.{ending}", media_type=picture.media_type
        )
        refs.append(ref)
        yield "image", ref
    yield "images", refs
