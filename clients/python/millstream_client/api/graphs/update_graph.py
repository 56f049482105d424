from http import HTTPStatus
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx

from ...client import AuthenticatedClient, Client
from ...models.graph import Graph
from ...models.graph_out import GraphOut
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    graph_id: UUID,
    *,
    body: Graph,
    publish: bool | None | Unset = UNSET,
    if_match: None | str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(if_match, Unset):
        headers["if-match"] = if_match

    params: dict[str, Any] = {}

    json_publish: bool | None | Unset
    if isinstance(publish, Unset):
        json_publish = UNSET
    else:
        json_publish = publish
    params["publish"] = json_publish

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "put",
        "url": "/api/v1/graphs/{graph_id}".format(
            graph_id=quote(str(graph_id), safe=""),
        ),
        "params": params,
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> GraphOut | Problem:
    if response.status_code == 200:
        response_200 = GraphOut.from_dict(response.json())

        return response_200

    if response.status_code == 400:
        response_400 = Problem.from_dict(response.json())

        return response_400

    if response.status_code == 404:
        response_404 = Problem.from_dict(response.json())

        return response_404

    if response.status_code == 412:
        response_412 = Problem.from_dict(response.json())

        return response_412

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
    body: Graph,
    publish: bool | None | Unset = UNSET,
    if_match: None | str | Unset = UNSET,
) -> Response[GraphOut | Problem]:
    """Update Graph

     Save the next version of a graph; with `If-Match` only if nobody else has saved one meanwhile.

    Args:
        graph_id (UUID):
        publish (bool | None | Unset): Whether the saved version is the one that runs from now on;
            default: what its `is_active` says.
        if_match (None | str | Unset): `ETag` of the version that you changed.
        body (Graph): A graph and, flat, every graph that its agent nodes reach.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[GraphOut | Problem]
    """

    kwargs = _get_kwargs(
        graph_id=graph_id,
        body=body,
        publish=publish,
        if_match=if_match,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    graph_id: UUID,
    *,
    client: AuthenticatedClient,
    body: Graph,
    publish: bool | None | Unset = UNSET,
    if_match: None | str | Unset = UNSET,
) -> GraphOut | Problem | None:
    """Update Graph

     Save the next version of a graph; with `If-Match` only if nobody else has saved one meanwhile.

    Args:
        graph_id (UUID):
        publish (bool | None | Unset): Whether the saved version is the one that runs from now on;
            default: what its `is_active` says.
        if_match (None | str | Unset): `ETag` of the version that you changed.
        body (Graph): A graph and, flat, every graph that its agent nodes reach.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        GraphOut | Problem
    """

    return sync_detailed(
        graph_id=graph_id,
        client=client,
        body=body,
        publish=publish,
        if_match=if_match,
    ).parsed


async def asyncio_detailed(
    graph_id: UUID,
    *,
    client: AuthenticatedClient,
    body: Graph,
    publish: bool | None | Unset = UNSET,
    if_match: None | str | Unset = UNSET,
) -> Response[GraphOut | Problem]:
    """Update Graph

     Save the next version of a graph; with `If-Match` only if nobody else has saved one meanwhile.

    Args:
        graph_id (UUID):
        publish (bool | None | Unset): Whether the saved version is the one that runs from now on;
            default: what its `is_active` says.
        if_match (None | str | Unset): `ETag` of the version that you changed.
        body (Graph): A graph and, flat, every graph that its agent nodes reach.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[GraphOut | Problem]
    """

    kwargs = _get_kwargs(
        graph_id=graph_id,
        body=body,
        publish=publish,
        if_match=if_match,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    graph_id: UUID,
    *,
    client: AuthenticatedClient,
    body: Graph,
    publish: bool | None | Unset = UNSET,
    if_match: None | str | Unset = UNSET,
) -> GraphOut | Problem | None:
    """Update Graph

     Save the next version of a graph; with `If-Match` only if nobody else has saved one meanwhile.

    Args:
        graph_id (UUID):
        publish (bool | None | Unset): Whether the saved version is the one that runs from now on;
            default: what its `is_active` says.
        if_match (None | str | Unset): `ETag` of the version that you changed.
        body (Graph): A graph and, flat, every graph that its agent nodes reach.

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
            body=body,
            publish=publish,
            if_match=if_match,
        )
    ).parsed
