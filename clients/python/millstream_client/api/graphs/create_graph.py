from http import HTTPStatus
from typing import Any

import httpx

from ...client import AuthenticatedClient, Client
from ...models.graph import Graph
from ...models.graph_out import GraphOut
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    body: Graph,
    publish: bool | None | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    params: dict[str, Any] = {}

    json_publish: bool | None | Unset
    if isinstance(publish, Unset):
        json_publish = UNSET
    else:
        json_publish = publish
    params["publish"] = json_publish

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/v1/graphs",
        "params": params,
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> GraphOut | Problem:
    if response.status_code == 201:
        response_201 = GraphOut.from_dict(response.json())

        return response_201

    if response.status_code == 400:
        response_400 = Problem.from_dict(response.json())

        return response_400

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
    *,
    client: AuthenticatedClient,
    body: Graph,
    publish: bool | None | Unset = UNSET,
) -> Response[GraphOut | Problem]:
    """Create Graph

     Save a new graph; all ids in it become new. One that names unknown blocks is a draft: it is kept,
    but not run.

    Args:
        publish (bool | None | Unset): Whether the saved version is the one that runs from now on;
            default: what its `is_active` says.
        body (Graph): A graph and, flat, every graph that its agent nodes reach.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[GraphOut | Problem]
    """

    kwargs = _get_kwargs(
        body=body,
        publish=publish,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    body: Graph,
    publish: bool | None | Unset = UNSET,
) -> GraphOut | Problem | None:
    """Create Graph

     Save a new graph; all ids in it become new. One that names unknown blocks is a draft: it is kept,
    but not run.

    Args:
        publish (bool | None | Unset): Whether the saved version is the one that runs from now on;
            default: what its `is_active` says.
        body (Graph): A graph and, flat, every graph that its agent nodes reach.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        GraphOut | Problem
    """

    return sync_detailed(
        client=client,
        body=body,
        publish=publish,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: Graph,
    publish: bool | None | Unset = UNSET,
) -> Response[GraphOut | Problem]:
    """Create Graph

     Save a new graph; all ids in it become new. One that names unknown blocks is a draft: it is kept,
    but not run.

    Args:
        publish (bool | None | Unset): Whether the saved version is the one that runs from now on;
            default: what its `is_active` says.
        body (Graph): A graph and, flat, every graph that its agent nodes reach.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[GraphOut | Problem]
    """

    kwargs = _get_kwargs(
        body=body,
        publish=publish,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    body: Graph,
    publish: bool | None | Unset = UNSET,
) -> GraphOut | Problem | None:
    """Create Graph

     Save a new graph; all ids in it become new. One that names unknown blocks is a draft: it is kept,
    but not run.

    Args:
        publish (bool | None | Unset): Whether the saved version is the one that runs from now on;
            default: what its `is_active` says.
        body (Graph): A graph and, flat, every graph that its agent nodes reach.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        GraphOut | Problem
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
            publish=publish,
        )
    ).parsed
