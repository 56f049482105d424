"""Requests that nobody would write, made of the description: no bug of ours answers, and answers are as described.

Bounded and seeded: the same requests each time. `MILLSTREAM_FUZZ_EXAMPLES` (default 4): how many each operation gets.
"""

from __future__ import annotations

import asyncio
import os
import re
from dataclasses import replace
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as examples
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from millstream.api.app import create_app
from millstream.api.http.limits import RateLimits
from millstream.api.settings import EdgeSettings
from millstream.processors.registry import Registry
from tests.integration.api import graphs
from tests.integration.api.calls import saved
from tests.integration.api.conftest import Running, serving, with_limits
from tests.integration.api.engine import Engine
from tests.integration.api.people import person

EXAMPLES = int(os.environ.get("MILLSTREAM_FUZZ_EXAMPLES", "4"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
LEFT_OUT = re.compile(r"^/(api/v1/(auth|ingest|sessions|me/)|graphql|metrics|readyz|internal)")
"""Log-ins end the login that asks, lines of JSON cannot be made; the others are for machines."""
HURRIED = {"wait_s": 0}


async def _made(client: httpx.AsyncClient) -> dict[str, str]:
    """Things that are there, so that not every answer is 404."""
    graph = await saved(client, graphs.echo())
    inputs = {"inputs": {"text": "hello"}}
    run = (await client.post(f"/api/v1/graphs/{graph['id']}/execute", json=inputs)).json()
    preset = (await client.post("/api/v1/presets", json={"graph_id": graph["id"], "name": "a"})).json()
    file = (await client.post("/api/v1/files", files={"file": ("a.txt", b"text")})).json()
    share = (await client.post(f"/api/v1/executions/{run['id']}/share")).json()
    await client.get(f"/api/v1/executions/{run['id']}", params={"wait_s": 20})
    return {
        "graph_id": graph["id"],
        "execution_id": run["id"],
        "graph_exec_id": run["id"],
        "preset_id": preset["id"],
        "file_id": file["id"],
        "token": share["token"],
        "share_token": share["token"],
        "block_id": graphs.CALCULATOR,
    }


def _attack(operation: Any, mode: GenerationMode, url: str, token: str, ids: dict[str, str]) -> None:
    """Send the requests of one operation. Raises what a check finds."""
    keeps = operation.method.upper() != "DELETE"

    @examples(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def run(case: Any) -> None:
        if keeps and mode is GenerationMode.POSITIVE:
            for name in case.path_parameters:
                case.path_parameters[name] = ids.get(name, case.path_parameters[name])
        if "wait_s" in case.query and mode is GenerationMode.POSITIVE:
            case.query.update(HURRIED)
        answer = case.call(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30)
        case.validate_response(answer, checks=CHECKS)

    run()


@pytest.mark.filterwarnings("ignore:Do not use the .random. module")  # the edge does, beside
@pytest.mark.timeout(300)
async def test_no_request_finds_a_bug_or_an_answer_that_is_not_described(
    settings: EdgeSettings, registry: Registry, running: Running, engine: Engine
) -> None:
    load_all_checks()
    chosen = replace(with_limits(settings, block_wait_s=1.0), rates=RateLimits(on=False))
    schema = schemathesis.openapi.from_dict(create_app(chosen, registry.specs()).openapi())
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    attacked = [each for each in operations if not LEFT_OUT.match(each.path)]
    assert len(attacked) > 90
    found = []
    async with serving(chosen, registry) as edge, person(edge) as user:
        token = user.tokens["access_token"]
        for operation in attacked:
            ids = await _made(user.client)
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                try:
                    await asyncio.to_thread(_attack, operation, mode, edge.url, token, ids)
                except Unsatisfiable:
                    continue  # it takes nothing that could be wrong
                except (Exception, BaseExceptionGroup) as error:  # noqa: BLE001 - all are told, not the first alone
                    found.append(f"{operation.label} ({mode.name.lower()}): {_short(error)}")
    assert not found, f"{len(found)} findings:\n" + "\n\n".join(found)


def _short(error: BaseException) -> str:
    inner = error.exceptions if isinstance(error, BaseExceptionGroup) else [error]
    return (
        "\n".join(f"{type(each).__name__}: {str(each)[:1200]}" for each in inner) + f"\n{str(error)[-1500:]}"
    )
