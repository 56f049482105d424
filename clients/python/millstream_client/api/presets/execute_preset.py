from http import HTTPStatus
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx

from ...client import AuthenticatedClient, Client
from ...models.execution_head import ExecutionHead
from ...models.problem import Problem
from ...models.run_preset_in import RunPresetIn
from ...types import UNSET, Response, Unset


def _get_kwargs(
    preset_id: UUID,
    *,
    body: None | RunPresetIn | Unset = UNSET,
    idempotency_key: None | str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["idempotency-key"] = idempotency_key

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/v1/presets/{preset_id}/execute".format(
            preset_id=quote(str(preset_id), safe=""),
        ),
    }

    if isinstance(body, RunPresetIn):
        _kwargs["json"] = body.to_dict()
    else:
        _kwargs["json"] = body

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ExecutionHead | Problem:
    if response.status_code == 202:
        response_202 = ExecutionHead.from_dict(response.json())

        return response_202

    if response.status_code == 400:
        response_400 = Problem.from_dict(response.json())

        return response_400

    if response.status_code == 404:
        response_404 = Problem.from_dict(response.json())

        return response_404

    if response.status_code == 409:
        response_409 = Problem.from_dict(response.json())

        return response_409

    if response.status_code == 429:
        response_429 = Problem.from_dict(response.json())

        return response_429

    if response.status_code == 503:
        response_503 = Problem.from_dict(response.json())

        return response_503

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[ExecutionHead | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    preset_id: UUID,
    *,
    client: AuthenticatedClient,
    body: None | RunPresetIn | Unset = UNSET,
    idempotency_key: None | str | Unset = UNSET,
) -> Response[ExecutionHead | Problem]:
    """Execute Preset

     Run the graph of a preset. Inputs given here go over the saved ones, name by name.

    Args:
        preset_id (UUID):
        idempotency_key (None | str | Unset): Repeating a request with the same key starts nothing
            anew.
        body (None | RunPresetIn | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ExecutionHead | Problem]
    """

    kwargs = _get_kwargs(
        preset_id=preset_id,
        body=body,
        idempotency_key=idempotency_key,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    preset_id: UUID,
    *,
    client: AuthenticatedClient,
    body: None | RunPresetIn | Unset = UNSET,
    idempotency_key: None | str | Unset = UNSET,
) -> ExecutionHead | Problem | None:
    """Execute Preset

     Run the graph of a preset. Inputs given here go over the saved ones, name by name.

    Args:
        preset_id (UUID):
        idempotency_key (None | str | Unset): Repeating a request with the same key starts nothing
            anew.
        body (None | RunPresetIn | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ExecutionHead | Problem
    """

    return sync_detailed(
        preset_id=preset_id,
        client=client,
        body=body,
        idempotency_key=idempotency_key,
    ).parsed


async def asyncio_detailed(
    preset_id: UUID,
    *,
    client: AuthenticatedClient,
    body: None | RunPresetIn | Unset = UNSET,
    idempotency_key: None | str | Unset = UNSET,
) -> Response[ExecutionHead | Problem]:
    """Execute Preset

     Run the graph of a preset. Inputs given here go over the saved ones, name by name.

    Args:
        preset_id (UUID):
        idempotency_key (None | str | Unset): Repeating a request with the same key starts nothing
            anew.
        body (None | RunPresetIn | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ExecutionHead | Problem]
    """

    kwargs = _get_kwargs(
        preset_id=preset_id,
        body=body,
        idempotency_key=idempotency_key,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    preset_id: UUID,
    *,
    client: AuthenticatedClient,
    body: None | RunPresetIn | Unset = UNSET,
    idempotency_key: None | str | Unset = UNSET,
) -> ExecutionHead | Problem | None:
    """Execute Preset

     Run the graph of a preset. Inputs given here go over the saved ones, name by name.

    Args:
        preset_id (UUID):
        idempotency_key (None | str | Unset): Repeating a request with the same key starts nothing
            anew.
        body (None | RunPresetIn | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ExecutionHead | Problem
    """

    return (
        await asyncio_detailed(
            preset_id=preset_id,
            client=client,
            body=body,
            idempotency_key=idempotency_key,
        )
    ).parsed
