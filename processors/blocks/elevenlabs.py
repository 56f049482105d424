"""ElevenLabs: speech from text, text from speech, and the voices."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from millstream.processors.annotations import Advanced, Audio, Emit, LongText, Outputs
from millstream.processors.context import Context
from millstream.processors.credentials import Credentials
from millstream.processors.rest import Login, Service
from millstream.processors.samples import Sample
from millstream.processors.sdk import block

ELEVENLABS = Service(
    provider="elevenlabs",
    title="ElevenLabs",
    url="https://api.elevenlabs.io/v1",
    login=Login(name="xi-api-key", prefix=""),
)
ElevenLogin = Annotated[Credentials, ELEVENLABS.takes("api_key")]
_LOGIN = {"id": "00000000-0000-4000-8000-000000000003", "provider": "elevenlabs", "type": "api_key"}
_VOICE = {"id": "v1", "name": "Rachel", "category": "premade", "description": "calm"}


class Spoken(Outputs):
    """Pins of ElevenLabsSpeechBlock."""

    audio: Audio


@block(
    name="ElevenLabsSpeechBlock",
    categories=("AI", "MULTIMEDIA"),
    repeatable=False,
    samples=[
        Sample(
            {"credentials": _LOGIN, "text": "Tea is ready."},
            [("audio", lambda value: value.startswith("workspace://"))],
            serves={"/text-to-speech/21m00Tcm4TlvDq8ikWAM": ("audio/mpeg", "ID3")},
        ),
        Sample({"credentials": _LOGIN, "text": ""}, raises="block_input_invalid"),
        Sample({"credentials": _LOGIN, "text": "x", "voice_id": "../x"}, raises="block_failed"),
    ],
)
async def eleven_labs_speech(
    credentials: ElevenLogin,
    text: Annotated[LongText, Field(min_length=1, max_length=10_000)],
    voice_id: str = "21m00Tcm4TlvDq8ikWAM",
    model_id: Advanced[str] = "eleven_multilingual_v2",
    stability: Advanced[Annotated[float, Field(ge=0, le=1)]] = 0.5,
    similarity: Advanced[Annotated[float, Field(ge=0, le=1)]] = 0.75,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Spoken]]:
    """Say a text; the speech becomes an MP3 in the workspace.

    credentials: An API key.
    text: What is said.
    voice_id: Id of the voice; ElevenLabsVoicesBlock lists them.
    model_id: The model.
    stability: Low is lively, high is even.
    similarity: How close to the voice it stays.
    audio: The speech.
    """
    answer = await ELEVENLABS.ask(
        ctx,
        "POST /text-to-speech/{voice}",
        path={"voice": voice_id},
        query={"output_format": "mp3_44100_128"},
        headers={"Accept": "audio/mpeg"},
        json={
            "text": text,
            "model_id": model_id,
            "voice_settings": {"stability": stability, "similarity_boost": similarity},
        },
        timeout_s=300.0,
    )
    yield "audio", await ctx.files.write(answer.body, name="speech.mp3", media_type="audio/mpeg")


class Heard(Outputs):
    """Pins of ElevenLabsTranscribeBlock."""

    text: str
    language: str
    words: list[dict[str, Any]]


@block(
    name="ElevenLabsTranscribeBlock",
    categories=("AI", "MULTIMEDIA"),
    samples=[
        Sample(
            {"credentials": _LOGIN, "audio": "data:audio/mpeg;base64,SUQz"},
            [("text", "Tea is ready."), ("language", "en"), ("words", [])],
            serves={
                "/speech-to-text": (
                    "application/json",
                    json.dumps({"text": "Tea is ready.", "language_code": "en", "words": []}),
                )
            },
        )
    ],
)
async def eleven_labs_transcribe(
    credentials: ElevenLogin,
    audio: Audio,
    language: Advanced[str] = "",
    tell_speakers: Advanced[bool] = False,
    model_id: Advanced[str] = "scribe_v1",
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Heard]]:
    """Write down what is said in a recording.

    credentials: An API key.
    audio: The recording, a sound or a video.
    language: Code of the language, such as en; empty lets the service find out.
    tell_speakers: Say of each word who said it.
    model_id: The model.
    text: What was said.
    language: Code of the language.
    words: Each word with its time, and its speaker if that was asked.
    """
    file = await ctx.files.read(audio)
    data = {"model_id": model_id, "diarize": "true" if tell_speakers else "false"}
    if language:
        data["language_code"] = language
    found = await ELEVENLABS.call(
        ctx,
        "POST /speech-to-text",
        data=data,
        files=[("file", (file.name or "audio", file.data, file.media_type))],
        timeout_s=600.0,
    )
    yield "text", found["text"]
    yield "language", found.get("language_code") or ""
    yield "words", found.get("words") or []


class Voice(TypedDict):
    """One voice."""

    id: str
    name: str
    category: str
    description: str


class Voices(Outputs):
    """Pins of ElevenLabsVoicesBlock."""

    voice: Voice
    voices: list[Voice]


@block(
    name="ElevenLabsVoicesBlock",
    categories=("AI", "MULTIMEDIA"),
    samples=[
        Sample(
            {"credentials": _LOGIN},
            [("voice", _VOICE), ("voices", [_VOICE])],
            serves={
                "/voices": (
                    "application/json",
                    json.dumps(
                        {"voices": [{"voice_id": "v1", **{k: _VOICE[k] for k in _VOICE if k != "id"}}]}
                    ),
                )
            },
        )
    ],
)
async def eleven_labs_voices(credentials: ElevenLogin, *, ctx: Context) -> AsyncIterator[Emit[Voices]]:
    """List the voices of the account.

    credentials: An API key.
    voice: Each voice.
    voices: All voices.
    """
    rows = (await ELEVENLABS.call(ctx, "GET /voices"))["voices"]
    voices = [
        Voice(
            id=row["voice_id"],
            name=row.get("name") or "",
            category=row.get("category") or "",
            description=row.get("description") or "",
        )
        for row in rows
    ]
    for voice in voices:
        yield "voice", voice
    yield "voices", voices
