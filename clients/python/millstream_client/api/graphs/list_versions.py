from http import HTTPStatus
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx

from ...client import AuthenticatedClient, Client
from ...models.graph_versions import GraphVersions
from ...models.problem import Problem
from ...types import Response


def _get_kwargs(
    graph_id: UUID,
) -> dict[str, Any]:

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/graphs/{graph_id}/versions".format(
            graph_id=quote(str(graph_id), safe=""),
        ),
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> GraphVersions | Problem:
    if response.status_code == 200:
        response_200 = GraphVersions.from_dict(response.json())

        return response_200

    if response.status_code == 404:
        response_404 = Problem.from_dict(response.json())

        return response_404

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[GraphVersions | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    graph_id: UUID,
    *,
    client: AuthenticatedClient,
) -> Response[GraphVersions | Problem]:
    """List Versions

     Return the newest 50 versions of a graph.

    Args:
        graph_id (UUID):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[GraphVersions | Problem]
    """

    kwargs = _get_kwargs(
        graph_id=graph_id,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    graph_id: UUID,
    *,
    client: AuthenticatedClient,
) -> GraphVersions | Problem | None:
    """List Versions

     Return the newest 50 versions of a graph.

    Args:
        graph_id (UUID):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        GraphVersions | Problem
    """

    return sync_detailed(
        graph_id=graph_id,
        client=client,
    ).parsed


async def asyncio_detailed(
    graph_id: UUID,
    *,
    client: AuthenticatedClient,
) -> Response[GraphVersions | Problem]:
    """List Versions

     Return the newest 50 versions of a graph.

    Args:
        graph_id (UUID):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[GraphVersions | Problem]
    """

    kwargs = _get_kwargs(
        graph_id=graph_id,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    graph_id: UUID,
    *,
    client: AuthenticatedClient,
) -> GraphVersions | Problem | None:
    """List Versions

     Return the newest 50 versions of a graph.

    Args:
        graph_id (UUID):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        GraphVersions | Problem
    """

    return (
        await asyncio_detailed(
            graph_id=graph_id,
            client=client,
        )
    ).parsed
