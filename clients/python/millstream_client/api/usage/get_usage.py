import datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

import httpx

from ...client import AuthenticatedClient, Client
from ...models.get_usage_by import GetUsageBy
from ...models.problem import Problem
from ...models.usage_out import UsageOut
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    by: GetUsageBy | Unset = GetUsageBy.MODEL,
    since: datetime.datetime | None | Unset = UNSET,
    until: datetime.datetime | None | Unset = UNSET,
    execution_id: None | Unset | UUID = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    json_by: str | Unset = UNSET
    if not isinstance(by, Unset):
        json_by = by.value

    params["by"] = json_by

    json_since: None | str | Unset
    if isinstance(since, Unset):
        json_since = UNSET
    elif isinstance(since, datetime.datetime):
        json_since = since.isoformat()
    else:
        json_since = since
    params["since"] = json_since

    json_until: None | str | Unset
    if isinstance(until, Unset):
        json_until = UNSET
    elif isinstance(until, datetime.datetime):
        json_until = until.isoformat()
    else:
        json_until = until
    params["until"] = json_until

    json_execution_id: None | str | Unset
    if isinstance(execution_id, Unset):
        json_execution_id = UNSET
    elif isinstance(execution_id, UUID):
        json_execution_id = str(execution_id)
    else:
        json_execution_id = execution_id
    params["execution_id"] = json_execution_id

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/usage",
        "params": params,
    }

    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Problem | UsageOut:
    if response.status_code == 200:
        response_200 = UsageOut.from_dict(response.json())

        return response_200

    if response.status_code == 400:
        response_400 = Problem.from_dict(response.json())

        return response_400

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[Problem | UsageOut]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    by: GetUsageBy | Unset = GetUsageBy.MODEL,
    since: datetime.datetime | None | Unset = UNSET,
    until: datetime.datetime | None | Unset = UNSET,
    execution_id: None | Unset | UUID = UNSET,
) -> Response[Problem | UsageOut]:
    """Get Usage

     Return what the caller's runs have asked of models: tokens, cost, time.

    Args:
        by (GetUsageBy | Unset): How calls are grouped. Default: GetUsageBy.MODEL.
        since (datetime.datetime | None | Unset): Default: 30 days before `until`.
        until (datetime.datetime | None | Unset): Default: now.
        execution_id (None | Unset | UUID):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | UsageOut]
    """

    kwargs = _get_kwargs(
        by=by,
        since=since,
        until=until,
        execution_id=execution_id,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    by: GetUsageBy | Unset = GetUsageBy.MODEL,
    since: datetime.datetime | None | Unset = UNSET,
    until: datetime.datetime | None | Unset = UNSET,
    execution_id: None | Unset | UUID = UNSET,
) -> Problem | UsageOut | None:
    """Get Usage

     Return what the caller's runs have asked of models: tokens, cost, time.

    Args:
        by (GetUsageBy | Unset): How calls are grouped. Default: GetUsageBy.MODEL.
        since (datetime.datetime | None | Unset): Default: 30 days before `until`.
        until (datetime.datetime | None | Unset): Default: now.
        execution_id (None | Unset | UUID):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | UsageOut
    """

    return sync_detailed(
        client=client,
        by=by,
        since=since,
        until=until,
        execution_id=execution_id,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    by: GetUsageBy | Unset = GetUsageBy.MODEL,
    since: datetime.datetime | None | Unset = UNSET,
    until: datetime.datetime | None | Unset = UNSET,
    execution_id: None | Unset | UUID = UNSET,
) -> Response[Problem | UsageOut]:
    """Get Usage

     Return what the caller's runs have asked of models: tokens, cost, time.

    Args:
        by (GetUsageBy | Unset): How calls are grouped. Default: GetUsageBy.MODEL.
        since (datetime.datetime | None | Unset): Default: 30 days before `until`.
        until (datetime.datetime | None | Unset): Default: now.
        execution_id (None | Unset | UUID):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | UsageOut]
    """

    kwargs = _get_kwargs(
        by=by,
        since=since,
        until=until,
        execution_id=execution_id,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    by: GetUsageBy | Unset = GetUsageBy.MODEL,
    since: datetime.datetime | None | Unset = UNSET,
    until: datetime.datetime | None | Unset = UNSET,
    execution_id: None | Unset | UUID = UNSET,
) -> Problem | UsageOut | None:
    """Get Usage

     Return what the caller's runs have asked of models: tokens, cost, time.

    Args:
        by (GetUsageBy | Unset): How calls are grouped. Default: GetUsageBy.MODEL.
        since (datetime.datetime | None | Unset): Default: 30 days before `until`.
        until (datetime.datetime | None | Unset): Default: now.
        execution_id (None | Unset | UUID):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | UsageOut
    """

    return (
        await asyncio_detailed(
            client=client,
            by=by,
            since=since,
            until=until,
            execution_id=execution_id,
        )
    ).parsed
