from http import HTTPStatus
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx

from ...client import AuthenticatedClient, Client
from ...models.graph_out import GraphOut
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    graph_id: UUID,
    *,
    version: int | None | Unset = UNSET,
    for_export: bool | Unset = False,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    json_version: int | None | Unset
    if isinstance(version, Unset):
        json_version = UNSET
    else:
        json_version = version
    params["version"] = json_version

    params["for_export"] = for_export

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/graphs/{graph_id}".format(
            graph_id=quote(str(graph_id), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> GraphOut | Problem:
    if response.status_code == 200:
        response_200 = GraphOut.from_dict(response.json())

        return response_200

    if response.status_code == 404:
        response_404 = Problem.from_dict(response.json())

        return response_404

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[GraphOut | Problem]:
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
    version: int | None | Unset = UNSET,
    for_export: bool | Unset = False,
) -> Response[GraphOut | Problem]:
    """Get Graph

     Return a graph, with the graphs that its agents run.

    Args:
        graph_id (UUID):
        version (int | None | Unset): Default: the newest.
        for_export (bool | Unset): As a file for others: without secrets. Default: False.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[GraphOut | Problem]
    """

    kwargs = _get_kwargs(
        graph_id=graph_id,
        version=version,
        for_export=for_export,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    graph_id: UUID,
    *,
    client: AuthenticatedClient,
    version: int | None | Unset = UNSET,
    for_export: bool | Unset = False,
) -> GraphOut | Problem | None:
    """Get Graph

     Return a graph, with the graphs that its agents run.

    Args:
        graph_id (UUID):
        version (int | None | Unset): Default: the newest.
        for_export (bool | Unset): As a file for others: without secrets. Default: False.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        GraphOut | Problem
    """

    return sync_detailed(
        graph_id=graph_id,
        client=client,
        version=version,
        for_export=for_export,
    ).parsed


async def asyncio_detailed(
    graph_id: UUID,
    *,
    client: AuthenticatedClient,
    version: int | None | Unset = UNSET,
    for_export: bool | Unset = False,
) -> Response[GraphOut | Problem]:
    """Get Graph

     Return a graph, with the graphs that its agents run.

    Args:
        graph_id (UUID):
        version (int | None | Unset): Default: the newest.
        for_export (bool | Unset): As a file for others: without secrets. Default: False.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[GraphOut | Problem]
    """

    kwargs = _get_kwargs(
        graph_id=graph_id,
        version=version,
        for_export=for_export,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    graph_id: UUID,
    *,
    client: AuthenticatedClient,
    version: int | None | Unset = UNSET,
    for_export: bool | Unset = False,
) -> GraphOut | Problem | None:
    """Get Graph

     Return a graph, with the graphs that its agents run.

    Args:
        graph_id (UUID):
        version (int | None | Unset): Default: the newest.
        for_export (bool | Unset): As a file for others: without secrets. Default: False.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        GraphOut | Problem
    """

    return (
        await asyncio_detailed(
            graph_id=graph_id,
            client=client,
            version=version,
            for_export=for_export,
        )
    ).parsed
