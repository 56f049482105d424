from http import HTTPStatus
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx

from ...client import AuthenticatedClient, Client
from ...models.preset_out import PresetOut
from ...models.problem import Problem
from ...types import Response


def _get_kwargs(
    preset_id: UUID,
) -> dict[str, Any]:

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/presets/{preset_id}".format(
            preset_id=quote(str(preset_id), safe=""),
        ),
    }

    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> PresetOut | Problem:
    if response.status_code == 200:
        response_200 = PresetOut.from_dict(response.json())

        return response_200

    if response.status_code == 404:
        response_404 = Problem.from_dict(response.json())

        return response_404

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[PresetOut | Problem]:
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
) -> Response[PresetOut | Problem]:
    """Get Preset

     Return one preset.

    Args:
        preset_id (UUID):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[PresetOut | Problem]
    """

    kwargs = _get_kwargs(
        preset_id=preset_id,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    preset_id: UUID,
    *,
    client: AuthenticatedClient,
) -> PresetOut | Problem | None:
    """Get Preset

     Return one preset.

    Args:
        preset_id (UUID):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        PresetOut | Problem
    """

    return sync_detailed(
        preset_id=preset_id,
        client=client,
    ).parsed


async def asyncio_detailed(
    preset_id: UUID,
    *,
    client: AuthenticatedClient,
) -> Response[PresetOut | Problem]:
    """Get Preset

     Return one preset.

    Args:
        preset_id (UUID):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[PresetOut | Problem]
    """

    kwargs = _get_kwargs(
        preset_id=preset_id,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    preset_id: UUID,
    *,
    client: AuthenticatedClient,
) -> PresetOut | Problem | None:
    """Get Preset

     Return one preset.

    Args:
        preset_id (UUID):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        PresetOut | Problem
    """

    return (
        await asyncio_detailed(
            preset_id=preset_id,
            client=client,
        )
    ).parsed
