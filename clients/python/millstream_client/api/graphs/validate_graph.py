from http import HTTPStatus
from typing import Any

import httpx

from ...client import AuthenticatedClient, Client
from ...models.graph import Graph
from ...models.problem import Problem
from ...models.validated import Validated
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    body: Graph,
    for_run: bool | Unset = False,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    params: dict[str, Any] = {}

    params["for_run"] = for_run

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/v1/graphs/validate",
        "params": params,
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Problem | Validated:
    if response.status_code == 200:
        response_200 = Validated.from_dict(response.json())

        return response_200

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[Problem | Validated]:
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
    for_run: bool | Unset = False,
) -> Response[Problem | Validated]:
    """Validate Graph

     Say what is wrong with a graph, without saving it.

    Args:
        for_run (bool | Unset): Ask also what keeps it from being run without inputs. Default:
            False.
        body (Graph): A graph and, flat, every graph that its agent nodes reach.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | Validated]
    """

    kwargs = _get_kwargs(
        body=body,
        for_run=for_run,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    body: Graph,
    for_run: bool | Unset = False,
) -> Problem | Validated | None:
    """Validate Graph

     Say what is wrong with a graph, without saving it.

    Args:
        for_run (bool | Unset): Ask also what keeps it from being run without inputs. Default:
            False.
        body (Graph): A graph and, flat, every graph that its agent nodes reach.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | Validated
    """

    return sync_detailed(
        client=client,
        body=body,
        for_run=for_run,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: Graph,
    for_run: bool | Unset = False,
) -> Response[Problem | Validated]:
    """Validate Graph

     Say what is wrong with a graph, without saving it.

    Args:
        for_run (bool | Unset): Ask also what keeps it from being run without inputs. Default:
            False.
        body (Graph): A graph and, flat, every graph that its agent nodes reach.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | Validated]
    """

    kwargs = _get_kwargs(
        body=body,
        for_run=for_run,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    body: Graph,
    for_run: bool | Unset = False,
) -> Problem | Validated | None:
    """Validate Graph

     Say what is wrong with a graph, without saving it.

    Args:
        for_run (bool | Unset): Ask also what keeps it from being run without inputs. Default:
            False.
        body (Graph): A graph and, flat, every graph that its agent nodes reach.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | Validated
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
            for_run=for_run,
        )
    ).parsed
