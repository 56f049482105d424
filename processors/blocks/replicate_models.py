"""Replicate: any model that is there. A prediction is begun once and looked at until it has ended; no worker waits for it."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

from millstream.processors.annotations import EMPTY, Advanced, Emit, Outputs
from millstream.processors.context import Context, Park
from millstream.processors.credentials import Credentials
from millstream.processors.rest import Service
from millstream.processors.samples import Sample
from millstream.processors.sdk import block
from millstream.schemas.errors import BlockExecutionError, BlockInputError

REPLICATE = Service(provider="replicate", title="Replicate", url="https://api.replicate.com/v1")
ReplicateLogin = Annotated[Credentials, REPLICATE.takes("api_key")]
LOOK_S: Final = 2.0
LOOKS_MOST: Final = 900
"""Half an hour."""
_MODEL = re.compile(r"([\w.-]+)/([\w.-]+)(?::([0-9a-f]{8,64}))?")
_LOGIN = {"id": "00000000-0000-4000-8000-000000000003", "provider": "replicate", "type": "api_key"}


def _served(value: Any) -> tuple[str, str]:
    return "application/json", json.dumps(value)


class Predicted(Outputs):
    """Pins of ReplicateModelBlock."""

    result: str
    status: str
    model_name: str


@block(
    id="c40d75a2-d0ea-44c9-a4f6-634bb3bdab1a",
    name="ReplicateModelBlock",
    categories=("AI",),
    repeatable=False,
    samples=[
        Sample(
            {"credentials": _LOGIN, "model_name": "ada/tea", "model_inputs": {"prompt": "a cup"}},
            [("result", "https://x/1.png"), ("status", "succeeded"), ("model_name", "ada/tea")],
            serves={
                "/models/ada/tea/predictions": _served({"id": "p1", "status": "starting"}),
                "/predictions/p1": _served(
                    {"id": "p1", "status": "succeeded", "output": ["https://x/1.png"]}
                ),
            },
        ),
        Sample(
            {"credentials": _LOGIN, "model_name": "ada/tea", "version": "abcdef0123"},
            raises="block_failed",
            serves={"/predictions": _served({"id": "p1", "status": "failed", "error": "out of leaves"})},
        ),
        Sample({"credentials": _LOGIN, "model_name": "tea"}, raises="block_input_invalid"),
    ],
)
async def replicate_model(
    credentials: ReplicateLogin,
    model_name: str,
    model_inputs: dict[str, str | int | float | bool] = EMPTY,
    version: Advanced[str | None] = None,
    *,
    ctx: Context,
) -> AsyncIterator[Emit[Predicted]]:
    """Run a model of Replicate and give what it made.

    credentials: An API token.
    model_name: Owner and name, such as `black-forest-labs/flux-schnell`; a version may follow after a colon.
    model_inputs: Inputs of the model by name, as its page has them.
    version: Version of the model; needed for models that are not official.
    result: What the model made: a text, or the address of a file; of several, a line each.
    status: How it ended.
    model_name: The model.
    """
    match = _MODEL.fullmatch(model_name.strip())
    if match is None:
        raise BlockInputError(f"{model_name!r} is no model; it looks like owner/name.", pin="model_name")
    state = ctx.resumed if isinstance(ctx.resumed, dict) else None
    if state is None:
        found = await _begin(ctx, match[1], match[2], version or match[3], model_inputs)
    else:
        found = await REPLICATE.call(ctx, "GET /predictions/{id}", path={"id": state["id"]})
    if found["status"] in ("starting", "processing", "queued"):
        looks = state["looks"] + 1 if state else 1
        if looks > LOOKS_MOST:
            raise BlockExecutionError(f"The prediction {found['id']} has not ended within half an hour.")
        yield Park(LOOK_S, {"id": found["id"], "looks": looks})
        return
    if found["status"] != "succeeded":
        reason = str(found.get("error") or f"it was {found['status']}")[:1_000]
        raise BlockExecutionError(f"{model_name} failed: {reason}", prediction=found["id"])
    yield "result", _text(found.get("output"))
    yield "status", found["status"]
    yield "model_name", model_name


async def _begin(
    ctx: Context, owner: str, name: str, version: str | None, inputs: dict[str, Any]
) -> dict[str, Any]:
    made: dict[str, Any]
    if version:
        made = await REPLICATE.call(ctx, "POST /predictions", json={"version": version, "input": inputs})
    else:
        path = {"owner": owner, "name": name}
        made = await REPLICATE.call(
            ctx, "POST /models/{owner}/{name}/predictions", path=path, json={"input": inputs}
        )
    return made


def _text(output: Any) -> str:
    """What a model made, as one text. Language models give pieces, others addresses of files."""
    if isinstance(output, str):
        return output
    if isinstance(output, list) and all(isinstance(part, str) for part in output):
        files = output and all(part.startswith(("http://", "https://", "data:")) for part in output)
        return ("\n" if files else "").join(output)
    return "" if output is None else json.dumps(output)
