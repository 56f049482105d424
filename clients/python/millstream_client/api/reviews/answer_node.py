from http import HTTPStatus
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx

from ...client import AuthenticatedClient, Client
from ...models.answered_out import AnsweredOut
from ...models.problem import Problem
from ...models.review_in import ReviewIn
from ...types import Response


def _get_kwargs(
    execution_id: UUID,
    node_execution_id: UUID,
    *,
    body: ReviewIn,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/v1/executions/{execution_id}/nodes/{node_execution_id}/answer".format(
            execution_id=quote(str(execution_id), safe=""),
            node_execution_id=quote(str(node_execution_id), safe=""),
        ),
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> AnsweredOut | Problem:
    if response.status_code == 202:
        response_202 = AnsweredOut.from_dict(response.json())

        return response_202

    if response.status_code == 404:
        response_404 = Problem.from_dict(response.json())

        return response_404

    if response.status_code == 409:
        response_409 = Problem.from_dict(response.json())

        return response_409

    if response.status_code == 413:
        response_413 = Problem.from_dict(response.json())

        return response_413

    if response.status_code == 503:
        response_503 = Problem.from_dict(response.json())

        return response_503

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[AnsweredOut | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    execution_id: UUID,
    node_execution_id: UUID,
    *,
    client: AuthenticatedClient,
    body: ReviewIn,
) -> Response[AnsweredOut | Problem]:
    """Answer Node

     Decide a review: the same as at `/reviews/{node_execution_id}`.

    Args:
        execution_id (UUID):
        node_execution_id (UUID):
        body (ReviewIn): A person's decision.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[AnsweredOut | Problem]
    """

    kwargs = _get_kwargs(
        execution_id=execution_id,
        node_execution_id=node_execution_id,
        body=body,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    execution_id: UUID,
    node_execution_id: UUID,
    *,
    client: AuthenticatedClient,
    body: ReviewIn,
) -> AnsweredOut | Problem | None:
    """Answer Node

     Decide a review: the same as at `/reviews/{node_execution_id}`.

    Args:
        execution_id (UUID):
        node_execution_id (UUID):
        body (ReviewIn): A person's decision.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        AnsweredOut | Problem
    """

    return sync_detailed(
        execution_id=execution_id,
        node_execution_id=node_execution_id,
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    execution_id: UUID,
    node_execution_id: UUID,
    *,
    client: AuthenticatedClient,
    body: ReviewIn,
) -> Response[AnsweredOut | Problem]:
    """Answer Node

     Decide a review: the same as at `/reviews/{node_execution_id}`.

    Args:
        execution_id (UUID):
        node_execution_id (UUID):
        body (ReviewIn): A person's decision.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[AnsweredOut | Problem]
    """

    kwargs = _get_kwargs(
        execution_id=execution_id,
        node_execution_id=node_execution_id,
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    execution_id: UUID,
    node_execution_id: UUID,
    *,
    client: AuthenticatedClient,
    body: ReviewIn,
) -> AnsweredOut | Problem | None:
    """Answer Node

     Decide a review: the same as at `/reviews/{node_execution_id}`.

    Args:
        execution_id (UUID):
        node_execution_id (UUID):
        body (ReviewIn): A person's decision.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        AnsweredOut | Problem
    """

    return (
        await asyncio_detailed(
            execution_id=execution_id,
            node_execution_id=node_execution_id,
            client=client,
            body=body,
        )
    ).parsed
