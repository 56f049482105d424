from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote
from uuid import UUID

import httpx

from ...client import AuthenticatedClient, Client
from ...models.event_page import EventPage
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    execution_id: UUID,
    *,
    since: int | Unset = -1,
    limit: int | Unset = 1000,
    last_event_id: None | str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(last_event_id, Unset):
        headers["last-event-id"] = last_event_id

    params: dict[str, Any] = {}

    params["since"] = since

    params["limit"] = limit

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/executions/{execution_id}/events".format(
            execution_id=quote(str(execution_id), safe=""),
        ),
        "params": params,
    }

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Any | EventPage | Problem:
    if response.status_code == 200:
        response_200 = EventPage.from_dict(response.json())

        return response_200

    if response.status_code == 204:
        response_204 = cast(Any, None)
        return response_204

    if response.status_code == 404:
        response_404 = Problem.from_dict(response.json())

        return response_404

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[Any | EventPage | Problem]:
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
    since: int | Unset = -1,
    limit: int | Unset = 1000,
    last_event_id: None | str | Unset = UNSET,
) -> Response[Any | EventPage | Problem]:
    """List Events

     Return what was recorded, as it was recorded. As JSON lines with `Accept: application/x-ndjson`.

    With `Accept: text/event-stream`: the frames of the WebSocket as server-sent events, from `Last-
    Event-ID` on.

    Args:
        execution_id (UUID):
        since (int | Unset): Number of the last event that you have. Default: -1.
        limit (int | Unset):  Default: 1000.
        last_event_id (None | str | Unset): Of a stream that was cut; goes before `since`.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | EventPage | Problem]
    """

    kwargs = _get_kwargs(
        execution_id=execution_id,
        since=since,
        limit=limit,
        last_event_id=last_event_id,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    execution_id: UUID,
    *,
    client: AuthenticatedClient,
    since: int | Unset = -1,
    limit: int | Unset = 1000,
    last_event_id: None | str | Unset = UNSET,
) -> Any | EventPage | Problem | None:
    """List Events

     Return what was recorded, as it was recorded. As JSON lines with `Accept: application/x-ndjson`.

    With `Accept: text/event-stream`: the frames of the WebSocket as server-sent events, from `Last-
    Event-ID` on.

    Args:
        execution_id (UUID):
        since (int | Unset): Number of the last event that you have. Default: -1.
        limit (int | Unset):  Default: 1000.
        last_event_id (None | str | Unset): Of a stream that was cut; goes before `since`.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | EventPage | Problem
    """

    return sync_detailed(
        execution_id=execution_id,
        client=client,
        since=since,
        limit=limit,
        last_event_id=last_event_id,
    ).parsed


async def asyncio_detailed(
    execution_id: UUID,
    *,
    client: AuthenticatedClient,
    since: int | Unset = -1,
    limit: int | Unset = 1000,
    last_event_id: None | str | Unset = UNSET,
) -> Response[Any | EventPage | Problem]:
    """List Events

     Return what was recorded, as it was recorded. As JSON lines with `Accept: application/x-ndjson`.

    With `Accept: text/event-stream`: the frames of the WebSocket as server-sent events, from `Last-
    Event-ID` on.

    Args:
        execution_id (UUID):
        since (int | Unset): Number of the last event that you have. Default: -1.
        limit (int | Unset):  Default: 1000.
        last_event_id (None | str | Unset): Of a stream that was cut; goes before `since`.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | EventPage | Problem]
    """

    kwargs = _get_kwargs(
        execution_id=execution_id,
        since=since,
        limit=limit,
        last_event_id=last_event_id,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    execution_id: UUID,
    *,
    client: AuthenticatedClient,
    since: int | Unset = -1,
    limit: int | Unset = 1000,
    last_event_id: None | str | Unset = UNSET,
) -> Any | EventPage | Problem | None:
    """List Events

     Return what was recorded, as it was recorded. As JSON lines with `Accept: application/x-ndjson`.

    With `Accept: text/event-stream`: the frames of the WebSocket as server-sent events, from `Last-
    Event-ID` on.

    Args:
        execution_id (UUID):
        since (int | Unset): Number of the last event that you have. Default: -1.
        limit (int | Unset):  Default: 1000.
        last_event_id (None | str | Unset): Of a stream that was cut; goes before `since`.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | EventPage | Problem
    """

    return (
        await asyncio_detailed(
            execution_id=execution_id,
            client=client,
            since=since,
            limit=limit,
            last_event_id=last_event_id,
        )
    ).parsed
