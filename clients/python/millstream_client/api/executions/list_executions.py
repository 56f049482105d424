import datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

import httpx

from ...client import AuthenticatedClient, Client
from ...models.execution_page import ExecutionPage
from ...models.list_executions_kind import ListExecutionsKind
from ...models.list_executions_status_type_0_item import ListExecutionsStatusType0Item
from ...models.list_executions_verdict_type_0 import ListExecutionsVerdictType0
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    graph_id: None | Unset | UUID = UNSET,
    preset_id: None | Unset | UUID = UNSET,
    status: list[ListExecutionsStatusType0Item] | None | Unset = UNSET,
    verdict: ListExecutionsVerdictType0 | None | Unset = UNSET,
    created_after: datetime.datetime | None | Unset = UNSET,
    created_before: datetime.datetime | None | Unset = UNSET,
    kind: ListExecutionsKind | Unset = ListExecutionsKind.GRAPH,
    cursor: None | str | Unset = UNSET,
    limit: int | Unset = 25,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    json_graph_id: None | str | Unset
    if isinstance(graph_id, Unset):
        json_graph_id = UNSET
    elif isinstance(graph_id, UUID):
        json_graph_id = str(graph_id)
    else:
        json_graph_id = graph_id
    params["graph_id"] = json_graph_id

    json_preset_id: None | str | Unset
    if isinstance(preset_id, Unset):
        json_preset_id = UNSET
    elif isinstance(preset_id, UUID):
        json_preset_id = str(preset_id)
    else:
        json_preset_id = preset_id
    params["preset_id"] = json_preset_id

    json_status: list[str] | None | Unset
    if isinstance(status, Unset):
        json_status = UNSET
    elif isinstance(status, list):
        json_status = []
        for status_type_0_item_data in status:
            status_type_0_item = status_type_0_item_data.value
            json_status.append(status_type_0_item)

    else:
        json_status = status
    params["status"] = json_status

    json_verdict: None | str | Unset
    if isinstance(verdict, Unset):
        json_verdict = UNSET
    elif isinstance(verdict, ListExecutionsVerdictType0):
        json_verdict = verdict.value
    else:
        json_verdict = verdict
    params["verdict"] = json_verdict

    json_created_after: None | str | Unset
    if isinstance(created_after, Unset):
        json_created_after = UNSET
    elif isinstance(created_after, datetime.datetime):
        json_created_after = created_after.isoformat()
    else:
        json_created_after = created_after
    params["created_after"] = json_created_after

    json_created_before: None | str | Unset
    if isinstance(created_before, Unset):
        json_created_before = UNSET
    elif isinstance(created_before, datetime.datetime):
        json_created_before = created_before.isoformat()
    else:
        json_created_before = created_before
    params["created_before"] = json_created_before

    json_kind: str | Unset = UNSET
    if not isinstance(kind, Unset):
        json_kind = kind.value

    params["kind"] = json_kind

    json_cursor: None | str | Unset
    if isinstance(cursor, Unset):
        json_cursor = UNSET
    else:
        json_cursor = cursor
    params["cursor"] = json_cursor

    params["limit"] = limit

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/executions",
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ExecutionPage | Problem:
    if response.status_code == 200:
        response_200 = ExecutionPage.from_dict(response.json())

        return response_200

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[ExecutionPage | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    graph_id: None | Unset | UUID = UNSET,
    preset_id: None | Unset | UUID = UNSET,
    status: list[ListExecutionsStatusType0Item] | None | Unset = UNSET,
    verdict: ListExecutionsVerdictType0 | None | Unset = UNSET,
    created_after: datetime.datetime | None | Unset = UNSET,
    created_before: datetime.datetime | None | Unset = UNSET,
    kind: ListExecutionsKind | Unset = ListExecutionsKind.GRAPH,
    cursor: None | str | Unset = UNSET,
    limit: int | Unset = 25,
) -> Response[ExecutionPage | Problem]:
    """List Executions

     Return the caller's executions, newest first.

    Args:
        graph_id (None | Unset | UUID):
        preset_id (None | Unset | UUID):
        status (list[ListExecutionsStatusType0Item] | None | Unset): May be given more than once.
        verdict (ListExecutionsVerdictType0 | None | Unset): What became of it, as its
            `verdict.result` says.
        created_after (datetime.datetime | None | Unset): ISO 8601 with a zone.
        created_before (datetime.datetime | None | Unset): ISO 8601 with a zone.
        kind (ListExecutionsKind | Unset): `block`: single blocks that were run. Default:
            ListExecutionsKind.GRAPH.
        cursor (None | str | Unset): `next_cursor` of the page before.
        limit (int | Unset): Items on a page. Default: 25.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ExecutionPage | Problem]
    """

    kwargs = _get_kwargs(
        graph_id=graph_id,
        preset_id=preset_id,
        status=status,
        verdict=verdict,
        created_after=created_after,
        created_before=created_before,
        kind=kind,
        cursor=cursor,
        limit=limit,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    graph_id: None | Unset | UUID = UNSET,
    preset_id: None | Unset | UUID = UNSET,
    status: list[ListExecutionsStatusType0Item] | None | Unset = UNSET,
    verdict: ListExecutionsVerdictType0 | None | Unset = UNSET,
    created_after: datetime.datetime | None | Unset = UNSET,
    created_before: datetime.datetime | None | Unset = UNSET,
    kind: ListExecutionsKind | Unset = ListExecutionsKind.GRAPH,
    cursor: None | str | Unset = UNSET,
    limit: int | Unset = 25,
) -> ExecutionPage | Problem | None:
    """List Executions

     Return the caller's executions, newest first.

    Args:
        graph_id (None | Unset | UUID):
        preset_id (None | Unset | UUID):
        status (list[ListExecutionsStatusType0Item] | None | Unset): May be given more than once.
        verdict (ListExecutionsVerdictType0 | None | Unset): What became of it, as its
            `verdict.result` says.
        created_after (datetime.datetime | None | Unset): ISO 8601 with a zone.
        created_before (datetime.datetime | None | Unset): ISO 8601 with a zone.
        kind (ListExecutionsKind | Unset): `block`: single blocks that were run. Default:
            ListExecutionsKind.GRAPH.
        cursor (None | str | Unset): `next_cursor` of the page before.
        limit (int | Unset): Items on a page. Default: 25.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ExecutionPage | Problem
    """

    return sync_detailed(
        client=client,
        graph_id=graph_id,
        preset_id=preset_id,
        status=status,
        verdict=verdict,
        created_after=created_after,
        created_before=created_before,
        kind=kind,
        cursor=cursor,
        limit=limit,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    graph_id: None | Unset | UUID = UNSET,
    preset_id: None | Unset | UUID = UNSET,
    status: list[ListExecutionsStatusType0Item] | None | Unset = UNSET,
    verdict: ListExecutionsVerdictType0 | None | Unset = UNSET,
    created_after: datetime.datetime | None | Unset = UNSET,
    created_before: datetime.datetime | None | Unset = UNSET,
    kind: ListExecutionsKind | Unset = ListExecutionsKind.GRAPH,
    cursor: None | str | Unset = UNSET,
    limit: int | Unset = 25,
) -> Response[ExecutionPage | Problem]:
    """List Executions

     Return the caller's executions, newest first.

    Args:
        graph_id (None | Unset | UUID):
        preset_id (None | Unset | UUID):
        status (list[ListExecutionsStatusType0Item] | None | Unset): May be given more than once.
        verdict (ListExecutionsVerdictType0 | None | Unset): What became of it, as its
            `verdict.result` says.
        created_after (datetime.datetime | None | Unset): ISO 8601 with a zone.
        created_before (datetime.datetime | None | Unset): ISO 8601 with a zone.
        kind (ListExecutionsKind | Unset): `block`: single blocks that were run. Default:
            ListExecutionsKind.GRAPH.
        cursor (None | str | Unset): `next_cursor` of the page before.
        limit (int | Unset): Items on a page. Default: 25.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ExecutionPage | Problem]
    """

    kwargs = _get_kwargs(
        graph_id=graph_id,
        preset_id=preset_id,
        status=status,
        verdict=verdict,
        created_after=created_after,
        created_before=created_before,
        kind=kind,
        cursor=cursor,
        limit=limit,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    graph_id: None | Unset | UUID = UNSET,
    preset_id: None | Unset | UUID = UNSET,
    status: list[ListExecutionsStatusType0Item] | None | Unset = UNSET,
    verdict: ListExecutionsVerdictType0 | None | Unset = UNSET,
    created_after: datetime.datetime | None | Unset = UNSET,
    created_before: datetime.datetime | None | Unset = UNSET,
    kind: ListExecutionsKind | Unset = ListExecutionsKind.GRAPH,
    cursor: None | str | Unset = UNSET,
    limit: int | Unset = 25,
) -> ExecutionPage | Problem | None:
    """List Executions

     Return the caller's executions, newest first.

    Args:
        graph_id (None | Unset | UUID):
        preset_id (None | Unset | UUID):
        status (list[ListExecutionsStatusType0Item] | None | Unset): May be given more than once.
        verdict (ListExecutionsVerdictType0 | None | Unset): What became of it, as its
            `verdict.result` says.
        created_after (datetime.datetime | None | Unset): ISO 8601 with a zone.
        created_before (datetime.datetime | None | Unset): ISO 8601 with a zone.
        kind (ListExecutionsKind | Unset): `block`: single blocks that were run. Default:
            ListExecutionsKind.GRAPH.
        cursor (None | str | Unset): `next_cursor` of the page before.
        limit (int | Unset): Items on a page. Default: 25.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ExecutionPage | Problem
    """

    return (
        await asyncio_detailed(
            client=client,
            graph_id=graph_id,
            preset_id=preset_id,
            status=status,
            verdict=verdict,
            created_after=created_after,
            created_before=created_before,
            kind=kind,
            cursor=cursor,
            limit=limit,
        )
    ).parsed
