from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...models.problem import Problem
from ...models.ran_out import RanOut
from ...models.run_in import RunIn
from ...types import UNSET, Response, Unset


def _get_kwargs(
    block_id: str,
    *,
    body: RunIn,
    wait_s: float | None | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    params: dict[str, Any] = {}

    json_wait_s: float | None | Unset
    if isinstance(wait_s, Unset):
        json_wait_s = UNSET
    else:
        json_wait_s = wait_s
    params["wait_s"] = json_wait_s

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/v1/blocks/{block_id}/execute".format(
            block_id=quote(str(block_id), safe=""),
        ),
        "params": params,
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Problem | RanOut:
    if response.status_code == 200:
        response_200 = RanOut.from_dict(response.json())

        return response_200

    if response.status_code == 202:
        response_202 = RanOut.from_dict(response.json())

        return response_202

    if response.status_code == 400:
        response_400 = Problem.from_dict(response.json())

        return response_400

    if response.status_code == 403:
        response_403 = Problem.from_dict(response.json())

        return response_403

    if response.status_code == 404:
        response_404 = Problem.from_dict(response.json())

        return response_404

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
) -> Response[Problem | RanOut]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    block_id: str,
    *,
    client: AuthenticatedClient,
    body: RunIn,
    wait_s: float | None | Unset = UNSET,
) -> Response[Problem | RanOut]:
    """Execute Block

     Run one block and return what it emitted. Inputs are taken as they are, without conversion.

    Args:
        block_id (str):
        wait_s (float | None | Unset): Longest wait; default 60 s.
        body (RunIn): Inputs of a block, by pin.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | RanOut]
    """

    kwargs = _get_kwargs(
        block_id=block_id,
        body=body,
        wait_s=wait_s,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    block_id: str,
    *,
    client: AuthenticatedClient,
    body: RunIn,
    wait_s: float | None | Unset = UNSET,
) -> Problem | RanOut | None:
    """Execute Block

     Run one block and return what it emitted. Inputs are taken as they are, without conversion.

    Args:
        block_id (str):
        wait_s (float | None | Unset): Longest wait; default 60 s.
        body (RunIn): Inputs of a block, by pin.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | RanOut
    """

    return sync_detailed(
        block_id=block_id,
        client=client,
        body=body,
        wait_s=wait_s,
    ).parsed


async def asyncio_detailed(
    block_id: str,
    *,
    client: AuthenticatedClient,
    body: RunIn,
    wait_s: float | None | Unset = UNSET,
) -> Response[Problem | RanOut]:
    """Execute Block

     Run one block and return what it emitted. Inputs are taken as they are, without conversion.

    Args:
        block_id (str):
        wait_s (float | None | Unset): Longest wait; default 60 s.
        body (RunIn): Inputs of a block, by pin.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | RanOut]
    """

    kwargs = _get_kwargs(
        block_id=block_id,
        body=body,
        wait_s=wait_s,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    block_id: str,
    *,
    client: AuthenticatedClient,
    body: RunIn,
    wait_s: float | None | Unset = UNSET,
) -> Problem | RanOut | None:
    """Execute Block

     Run one block and return what it emitted. Inputs are taken as they are, without conversion.

    Args:
        block_id (str):
        wait_s (float | None | Unset): Longest wait; default 60 s.
        body (RunIn): Inputs of a block, by pin.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | RanOut
    """

    return (
        await asyncio_detailed(
            block_id=block_id,
            client=client,
            body=body,
            wait_s=wait_s,
        )
    ).parsed
