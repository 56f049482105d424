from http import HTTPStatus
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx

from ...client import AuthenticatedClient, Client
from ...models.execution_out import ExecutionOut
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    execution_id: UUID,
    *,
    wait_s: float | Unset = 0.0,
    node_limit: int | Unset = 1000,
    node_offset: int | Unset = 0,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["wait_s"] = wait_s

    params["node_limit"] = node_limit

    params["node_offset"] = node_offset

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/executions/{execution_id}".format(
            execution_id=quote(str(execution_id), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ExecutionOut | Problem:
    if response.status_code == 200:
        response_200 = ExecutionOut.from_dict(response.json())

        return response_200

    if response.status_code == 404:
        response_404 = Problem.from_dict(response.json())

        return response_404

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[ExecutionOut | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    execution_id: UUID,
    *,
    client: AuthenticatedClient,
    wait_s: float | Unset = 0.0,
    node_limit: int | Unset = 1000,
    node_offset: int | Unset = 0,
) -> Response[ExecutionOut | Problem]:
    """Get Execution

     Return an execution with inputs, outputs and node executions, those in the order in which they were
    queued.

    Args:
        execution_id (UUID):
        wait_s (float | Unset): Wait so long for its end before answering. Default: 0.0.
        node_limit (int | Unset):  Default: 1000.
        node_offset (int | Unset):  Default: 0.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ExecutionOut | Problem]
    """

    kwargs = _get_kwargs(
        execution_id=execution_id,
        wait_s=wait_s,
        node_limit=node_limit,
        node_offset=node_offset,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    execution_id: UUID,
    *,
    client: AuthenticatedClient,
    wait_s: float | Unset = 0.0,
    node_limit: int | Unset = 1000,
    node_offset: int | Unset = 0,
) -> ExecutionOut | Problem | None:
    """Get Execution

     Return an execution with inputs, outputs and node executions, those in the order in which they were
    queued.

    Args:
        execution_id (UUID):
        wait_s (float | Unset): Wait so long for its end before answering. Default: 0.0.
        node_limit (int | Unset):  Default: 1000.
        node_offset (int | Unset):  Default: 0.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ExecutionOut | Problem
    """

    return sync_detailed(
        execution_id=execution_id,
        client=client,
        wait_s=wait_s,
        node_limit=node_limit,
        node_offset=node_offset,
    ).parsed


async def asyncio_detailed(
    execution_id: UUID,
    *,
    client: AuthenticatedClient,
    wait_s: float | Unset = 0.0,
    node_limit: int | Unset = 1000,
    node_offset: int | Unset = 0,
) -> Response[ExecutionOut | Problem]:
    """Get Execution

     Return an execution with inputs, outputs and node executions, those in the order in which they were
    queued.

    Args:
        execution_id (UUID):
        wait_s (float | Unset): Wait so long for its end before answering. Default: 0.0.
        node_limit (int | Unset):  Default: 1000.
        node_offset (int | Unset):  Default: 0.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ExecutionOut | Problem]
    """

    kwargs = _get_kwargs(
        execution_id=execution_id,
        wait_s=wait_s,
        node_limit=node_limit,
        node_offset=node_offset,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    execution_id: UUID,
    *,
    client: AuthenticatedClient,
    wait_s: float | Unset = 0.0,
    node_limit: int | Unset = 1000,
    node_offset: int | Unset = 0,
) -> ExecutionOut | Problem | None:
    """Get Execution

     Return an execution with inputs, outputs and node executions, those in the order in which they were
    queued.

    Args:
        execution_id (UUID):
        wait_s (float | Unset): Wait so long for its end before answering. Default: 0.0.
        node_limit (int | Unset):  Default: 1000.
        node_offset (int | Unset):  Default: 0.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ExecutionOut | Problem
    """

    return (
        await asyncio_detailed(
            execution_id=execution_id,
            client=client,
            wait_s=wait_s,
            node_limit=node_limit,
            node_offset=node_offset,
        )
    ).parsed
