"""Pipelines of Transformers as blocks. The model stays loaded in a process of its own for ten minutes after its last call.

    from millstream.processors.generated.transformers import from_pipeline

    mood = from_pipeline("text-classification", "distilbert-base-uncased-finetuned-sst-2-english", module=__name__)

Needs the extra `transformers`. Weights are read as safetensors only, and code that comes with a model is never run.
"""

from __future__ import annotations

import base64
import binascii
import importlib
import io
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from millstream.processors import isolation
from millstream.processors.context import Context
from millstream.processors.generated.building import built, snake
from millstream.processors.runnable import Block
from millstream.schemas.errors import BlockExecutionError, BlockInputError

LOADED_MOST: Final = 2
"""Models that one process keeps."""
TEXT_CHARS: Final = 200_000
ANSWER_BYTES: Final = 10_000_000
_TEXT: Final = {"text": {"type": "string", "description": "The text.", "maxLength": TEXT_CHARS}}
_FILE: Final = {"type": "string", "format": "file"}
_INPUTS: Final[dict[str, dict[str, dict[str, Any]]]] = {
    "text-classification": _TEXT,
    "token-classification": _TEXT,
    "text-generation": _TEXT,
    "fill-mask": _TEXT,
    "feature-extraction": _TEXT,
    "summarization": _TEXT,
    "translation": _TEXT,
    "zero-shot-classification": {
        **_TEXT,
        "candidate_labels": {"type": "array", "items": {"type": "string"}, "description": "What it may be."},
    },
    "question-answering": {
        "question": {"type": "string", "description": "The question."},
        "context": {"type": "string", "description": "Where the answer is.", "maxLength": TEXT_CHARS},
    },
    "image-classification": {"image": {**_FILE, "description": "The picture."}},
    "object-detection": {"image": {**_FILE, "description": "The picture."}},
    "image-to-text": {"image": {**_FILE, "description": "The picture."}},
    "audio-classification": {"audio": {**_FILE, "description": "The recording."}},
    "automatic-speech-recognition": {"audio": {**_FILE, "description": "The recording."}},
}
"""Pins by task."""
_loaded: dict[tuple[str, ...], Any] = {}
"""Pipelines of the process that runs them."""


def from_pipeline(
    task: str,
    model: str,
    *,
    module: str,
    name: str = "",
    description: str = "",
    revision: str = "",
    device: str = "cpu",
    lane: str = "cpu",
    timeout_s: float = 600.0,
) -> Block:
    """Return a block that runs a model. Pins: what the task takes, `parameters`, and `result`.

    `model`: a folder, or a name on the Hub, which the worker fetches when it is first used; give it a `revision`.
    `lane`: `cpu`, or that of a worker group of your own, such as `gpu` with `device="cuda"`.
    Errors: ValueError: no such task here.
    """
    if task not in _INPUTS:
        raise ValueError(f"{task!r} is no task here; there are {', '.join(sorted(_INPUTS))}.")
    called = snake(name or task)
    pins = {
        **_INPUTS[task],
        "parameters": {
            "type": "object",
            "description": "Parameters of the call, such as top_k or max_new_tokens.",
        },
    }

    async def call(ctx: Context, values: dict[str, Any]) -> AsyncIterator[tuple[str, Any]]:
        sent = dict(values)
        for pin in ("image", "audio"):
            if pin in sent:
                file = await ctx.files.read(sent[pin])
                sent[pin] = base64.b64encode(file.data).decode()
        yield (
            "result",
            await isolation.call(
                run_pipeline,
                [task, model, revision, device],
                sent,
                timeout_s=timeout_s,
                most_bytes=ANSWER_BYTES,
                what=f"The model {model!r}",
                kind=isolation.MODELS,
            ),
        )

    return built(
        call,
        module=module,
        name=called,
        description=description or f"Run the model {model} ({task}).",
        input_schema={"properties": pins, "required": list(_INPUTS[task])},
        outputs={"result": {"title": "Result", "description": "What the model gave."}},
        why="Needs a model; its package tests it.",
        categories=("AI",),
        lane=lane,
        timeout_s=timeout_s + 30.0,
    )


_FORBIDDEN: Final = frozenset(
    {
        "assistant_model",
        "assistant_tokenizer",
        "custom_generate",
        "device",
        "model",
        "model_kwargs",
        "tokenizer",
        "trust_remote_code",
    }
)
"""What would load other models, or code with them, wherever it stands: pipelines pass nested parameters on."""


def _names(value: Any) -> set[str]:
    """Return the keys of all objects in a value."""
    if isinstance(value, dict):
        return set(value).union(*map(_names, value.values()))
    return set().union(*map(_names, value)) if isinstance(value, list) else set()


def run_pipeline(which: list[str], values: dict[str, Any]) -> Any:
    """Run a model here; called in the other process. Errors: BlockInputError, BlockExecutionError."""
    parameters = values.pop("parameters", None) or {}
    unknown = _FORBIDDEN & _names(parameters)
    if unknown:
        raise BlockInputError(f"{sorted(unknown)} are no parameters of a call.", pin="parameters")
    found = _pipeline(*which)
    try:
        return _plain(_run(found, which[0], values, parameters))
    except (TypeError, KeyError, IndexError) as error:
        raise BlockExecutionError(f"The model cannot do this: {str(error)[:500]}") from error


def _run(found: Any, task: str, values: dict[str, Any], parameters: Mapping[str, Any]) -> Any:
    if task == "zero-shot-classification":
        return found(values["text"], candidate_labels=values["candidate_labels"], **parameters)
    if task == "question-answering":
        return found(question=values["question"], context=values["context"], **parameters)
    if "image" in values:
        return found(_image(values["image"]), **parameters)
    if "audio" in values:
        return found(_bytes(values["audio"]), **parameters)
    return found(values["text"], **parameters)


def _pipeline(task: str, model: str, revision: str, device: str) -> Any:
    key = (task, model, revision, device)
    if key not in _loaded:
        try:
            pipeline = importlib.import_module("transformers").pipeline
        except ImportError as error:
            raise BlockExecutionError(
                "Transformers is not installed on this worker; install millstream[transformers]."
            ) from error
        while len(_loaded) >= LOADED_MOST:
            _loaded.pop(next(iter(_loaded)))
        try:
            _loaded[key] = pipeline(
                task,
                model=model,
                revision=revision or None,
                device=device,
                trust_remote_code=False,
                model_kwargs={"use_safetensors": True},
            )
        except (OSError, ValueError) as error:
            reason = " ".join(str(error).split())[:500]
            raise BlockExecutionError(f"The model {model!r} cannot be loaded: {reason}") from error
    return _loaded[key]


def _image(data: str) -> Any:
    from PIL import Image, UnidentifiedImageError

    try:
        picture = Image.open(io.BytesIO(_bytes(data)))
        picture.load()
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise BlockInputError("This is no picture that can be read.", pin="image") from error
    return picture.convert("RGB")


def _bytes(data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BlockInputError("This is no file.") from error


def _plain(value: Any) -> Any:
    """Numbers and lists of Python, out of those of NumPy and Torch."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)
