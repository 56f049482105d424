from http import HTTPStatus
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx

from ...client import AuthenticatedClient, Client
from ...models.graph_out import GraphOut
from ...models.problem import Problem
from ...models.publish_in import PublishIn
from ...types import UNSET, Response, Unset


def _get_kwargs(
    graph_id: UUID,
    *,
    body: None | PublishIn | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/v1/graphs/{graph_id}/publish".format(
            graph_id=quote(str(graph_id), safe=""),
        ),
    }

    if isinstance(body, PublishIn):
        _kwargs["json"] = body.to_dict()
    else:
        _kwargs["json"] = body

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
    body: None | PublishIn | Unset = UNSET,
) -> Response[GraphOut | Problem]:
    """Publish Graph

     Make a version the one that runs when none is named; until then it is kept beside the one that does.

    Args:
        graph_id (UUID):
        body (None | PublishIn | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[GraphOut | Problem]
    """

    kwargs = _get_kwargs(
        graph_id=graph_id,
        body=body,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    graph_id: UUID,
    *,
    client: AuthenticatedClient,
    body: None | PublishIn | Unset = UNSET,
) -> GraphOut | Problem | None:
    """Publish Graph

     Make a version the one that runs when none is named; until then it is kept beside the one that does.

    Args:
        graph_id (UUID):
        body (None | PublishIn | Unset):

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
    ).parsed


async def asyncio_detailed(
    graph_id: UUID,
    *,
    client: AuthenticatedClient,
    body: None | PublishIn | Unset = UNSET,
) -> Response[GraphOut | Problem]:
    """Publish Graph

     Make a version the one that runs when none is named; until then it is kept beside the one that does.

    Args:
        graph_id (UUID):
        body (None | PublishIn | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[GraphOut | Problem]
    """

    kwargs = _get_kwargs(
        graph_id=graph_id,
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    graph_id: UUID,
    *,
    client: AuthenticatedClient,
    body: None | PublishIn | Unset = UNSET,
) -> GraphOut | Problem | None:
    """Publish Graph

     Make a version the one that runs when none is named; until then it is kept beside the one that does.

    Args:
        graph_id (UUID):
        body (None | PublishIn | Unset):

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
        )
    ).parsed
