from http import HTTPStatus
from typing import Any

import httpx

from ...client import AuthenticatedClient, Client
from ...models.api_key_in import ApiKeyIn
from ...models.credential_out import CredentialOut
from ...models.host_scoped_in import HostScopedIn
from ...models.o_auth_2_in import OAuth2In
from ...models.problem import Problem
from ...models.user_password_in import UserPasswordIn
from ...types import Response


def _get_kwargs(
    *,
    body: ApiKeyIn | HostScopedIn | OAuth2In | UserPasswordIn,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/v1/credentials",
    }

    if isinstance(body, ApiKeyIn) or isinstance(body, UserPasswordIn) or isinstance(body, OAuth2In):
        _kwargs["json"] = body.to_dict()
    else:
        _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> CredentialOut | Problem:
    if response.status_code == 201:
        response_201 = CredentialOut.from_dict(response.json())

        return response_201

    if response.status_code == 403:
        response_403 = Problem.from_dict(response.json())

        return response_403

    if response.status_code == 503:
        response_503 = Problem.from_dict(response.json())

        return response_503

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[CredentialOut | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: ApiKeyIn | HostScopedIn | OAuth2In | UserPasswordIn,
) -> Response[CredentialOut | Problem]:
    """Create Credential

     Keep a credential, sealed. Nobody reads it again: only blocks that run for this account get it.

    Args:
        body (ApiKeyIn | HostScopedIn | OAuth2In | UserPasswordIn):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[CredentialOut | Problem]
    """

    kwargs = _get_kwargs(
        body=body,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    body: ApiKeyIn | HostScopedIn | OAuth2In | UserPasswordIn,
) -> CredentialOut | Problem | None:
    """Create Credential

     Keep a credential, sealed. Nobody reads it again: only blocks that run for this account get it.

    Args:
        body (ApiKeyIn | HostScopedIn | OAuth2In | UserPasswordIn):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        CredentialOut | Problem
    """

    return sync_detailed(
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: ApiKeyIn | HostScopedIn | OAuth2In | UserPasswordIn,
) -> Response[CredentialOut | Problem]:
    """Create Credential

     Keep a credential, sealed. Nobody reads it again: only blocks that run for this account get it.

    Args:
        body (ApiKeyIn | HostScopedIn | OAuth2In | UserPasswordIn):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[CredentialOut | Problem]
    """

    kwargs = _get_kwargs(
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    body: ApiKeyIn | HostScopedIn | OAuth2In | UserPasswordIn,
) -> CredentialOut | Problem | None:
    """Create Credential

     Keep a credential, sealed. Nobody reads it again: only blocks that run for this account get it.

    Args:
        body (ApiKeyIn | HostScopedIn | OAuth2In | UserPasswordIn):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        CredentialOut | Problem
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
        )
    ).parsed
