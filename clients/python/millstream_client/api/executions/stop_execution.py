from http import HTTPStatus
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx

from ...client import AuthenticatedClient, Client
from ...models.execution_head import ExecutionHead
from ...models.problem import Problem
from ...models.stop_in import StopIn
from ...types import UNSET, Response, Unset


def _get_kwargs(
    execution_id: UUID,
    *,
    body: None | StopIn | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/v1/executions/{execution_id}/stop".format(
            execution_id=quote(str(execution_id), safe=""),
        ),
    }

    if isinstance(body, StopIn):
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

    if response.status_code == 404:
        response_404 = Problem.from_dict(response.json())

        return response_404

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
    execution_id: UUID,
    *,
    client: AuthenticatedClient,
    body: None | StopIn | Unset = UNSET,
) -> Response[ExecutionHead | Problem]:
    """Stop Execution

     End an execution now. The answer shows it as it was before; one that has ended stays as it is.

    Args:
        execution_id (UUID):
        body (None | StopIn | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ExecutionHead | Problem]
    """

    kwargs = _get_kwargs(
        execution_id=execution_id,
        body=body,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    execution_id: UUID,
    *,
    client: AuthenticatedClient,
    body: None | StopIn | Unset = UNSET,
) -> ExecutionHead | Problem | None:
    """Stop Execution

     End an execution now. The answer shows it as it was before; one that has ended stays as it is.

    Args:
        execution_id (UUID):
        body (None | StopIn | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ExecutionHead | Problem
    """

    return sync_detailed(
        execution_id=execution_id,
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    execution_id: UUID,
    *,
    client: AuthenticatedClient,
    body: None | StopIn | Unset = UNSET,
) -> Response[ExecutionHead | Problem]:
    """Stop Execution

     End an execution now. The answer shows it as it was before; one that has ended stays as it is.

    Args:
        execution_id (UUID):
        body (None | StopIn | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ExecutionHead | Problem]
    """

    kwargs = _get_kwargs(
        execution_id=execution_id,
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    execution_id: UUID,
    *,
    client: AuthenticatedClient,
    body: None | StopIn | Unset = UNSET,
) -> ExecutionHead | Problem | None:
    """Stop Execution

     End an execution now. The answer shows it as it was before; one that has ended stays as it is.

    Args:
        execution_id (UUID):
        body (None | StopIn | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ExecutionHead | Problem
    """

    return (
        await asyncio_detailed(
            execution_id=execution_id,
            client=client,
            body=body,
        )
    ).parsed
