from http import HTTPStatus
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx

from ...client import AuthenticatedClient, Client
from ...models.problem import Problem
from ...models.share_in import ShareIn
from ...models.share_out import ShareOut
from ...types import UNSET, Response, Unset


def _get_kwargs(
    execution_id: UUID,
    *,
    body: None | ShareIn | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/v1/executions/{execution_id}/share".format(
            execution_id=quote(str(execution_id), safe=""),
        ),
    }

    if isinstance(body, ShareIn):
        _kwargs["json"] = body.to_dict()
    else:
        _kwargs["json"] = body

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Problem | ShareOut:
    if response.status_code == 201:
        response_201 = ShareOut.from_dict(response.json())

        return response_201

    if response.status_code == 404:
        response_404 = Problem.from_dict(response.json())

        return response_404

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[Problem | ShareOut]:
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
    body: None | ShareIn | Unset = UNSET,
) -> Response[Problem | ShareOut]:
    """Share Execution

     Make a link that shows a run to whoever has it. A run has one link: an earlier one is withdrawn.

    Args:
        execution_id (UUID):
        body (None | ShareIn | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | ShareOut]
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
    body: None | ShareIn | Unset = UNSET,
) -> Problem | ShareOut | None:
    """Share Execution

     Make a link that shows a run to whoever has it. A run has one link: an earlier one is withdrawn.

    Args:
        execution_id (UUID):
        body (None | ShareIn | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | ShareOut
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
    body: None | ShareIn | Unset = UNSET,
) -> Response[Problem | ShareOut]:
    """Share Execution

     Make a link that shows a run to whoever has it. A run has one link: an earlier one is withdrawn.

    Args:
        execution_id (UUID):
        body (None | ShareIn | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | ShareOut]
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
    body: None | ShareIn | Unset = UNSET,
) -> Problem | ShareOut | None:
    """Share Execution

     Make a link that shows a run to whoever has it. A run has one link: an earlier one is withdrawn.

    Args:
        execution_id (UUID):
        body (None | ShareIn | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | ShareOut
    """

    return (
        await asyncio_detailed(
            execution_id=execution_id,
            client=client,
            body=body,
        )
    ).parsed
