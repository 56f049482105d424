"""What the routes of accounts take and give."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from millstream.api.auth.passwords import MOST_CHARS
from millstream.api.auth.principal import Kind, OrgRole, Role, Scope


def _address(text: str) -> str:
    try:
        return validate_email(text, check_deliverability=False, test_environment=True).normalized.lower()
    except EmailNotValidError as error:
        raise ValueError("not an e-mail address") from error


Email = Annotated[str, Field(max_length=254, examples=["ada@example.com"]), AfterValidator(_address)]
Password = Annotated[
    SecretStr, Field(min_length=1, max_length=MOST_CHARS, examples=["correct horse battery"])
]
Link = Annotated[
    SecretStr, Field(min_length=20, max_length=200, description="The text behind `#token=` in the mail.")
]
Name = Annotated[str, Field(max_length=100, examples=["Ada"])]
Code = Annotated[
    str, Field(min_length=6, max_length=40, examples=["123456"], description="Of the second factor.")
]


class In(BaseModel):
    """A body: nothing in it is passed over."""

    model_config = ConfigDict(extra="forbid")


class RegisterIn(In):
    """A new account. The first one needs the set-up code; where sign-up is not open, all others an invitation."""

    email: Email
    password: Password
    name: Name = ""
    setup_code: Annotated[SecretStr, Field(max_length=100)] | None = None
    invitation: Link | None = None


class LoginIn(In):
    """Who logs in."""

    email: Email
    password: Password
    code: Code | None = None
    next: Annotated[str, Field(max_length=2000, examples=["/graphs"])] | None = Field(
        default=None, description="Where to go then: a path of ours."
    )


class TokenIn(In):
    """A program that logs in for somebody."""

    email: Email
    password: Password
    code: Code | None = None
    client: Annotated[str, Field(max_length=100, examples=["my laptop"])] = ""


class RefreshIn(In):
    """A refresh token, good once."""

    refresh_token: Annotated[SecretStr, Field(min_length=20, max_length=200)]


class EmailIn(In):
    """An address."""

    email: Email


class VerifyIn(In):
    """A mailed link, and the password: so nobody confirms an account that somebody else has made with his address."""

    token: Link
    password: Password


class ResetIn(In):
    """A mailed link, and the new password."""

    token: Link
    password: Password


class ConfirmIn(In):
    """The password, asked for again."""

    password: Password


class NewPasswordIn(In):
    """A change of the password."""

    password: Password
    new_password: Password


class NewEmailIn(In):
    """A change of the address."""

    password: Password
    email: Email


class CodeIn(In):
    """A code of the authenticator."""

    code: Code


class RemoveTotpIn(In):
    """Password and a code, to switch the second factor off."""

    password: Password
    code: Code


class ProfileIn(In):
    """What others see. What is left out stays."""

    name: Name | None = None
    timezone: Annotated[str, Field(max_length=64, examples=["Europe/Berlin"])] | None = None


class UserOut(BaseModel):
    """A person."""

    id: UUID
    email: str
    name: str
    role: Role
    timezone: str
    email_verified: bool
    two_factor: bool
    created_at: datetime


class MeOut(UserOut):
    """The caller, and what this login may do."""

    account_id: UUID
    org_role: OrgRole | None
    kind: Kind
    scopes: list[Scope] | None


class LoggedIn(BaseModel):
    """A session. Its cookie is set; `csrf_token` goes into the header X-CSRF-Token of what changes something."""

    user: UserOut
    csrf_token: str
    next: str


class TokensOut(BaseModel):
    """Tokens of a program. The refresh token is good once; its answer has the next."""

    access_token: str
    refresh_token: str
    token_type: Literal["Bearer"]
    expires_in: int = Field(description="Seconds.")


class ConfigOut(BaseModel):
    """How one comes in here."""

    sign_up: Literal["open", "invite", "closed"]
    first_account: bool = Field(description="Nobody is admin yet: the set-up code makes the first account.")


class RegisteredOut(BaseModel):
    """What happens next."""

    status: Literal["ready", "check_mail"]


class TotpOut(BaseModel):
    """A second factor to be confirmed. `uri` is for a QR code."""

    secret: str
    uri: str


class RecoveryOut(BaseModel):
    """Codes that stand in for the authenticator, each once. They are not shown again."""

    recovery_codes: list[str]


class SessionOut(BaseModel):
    """Something that is logged in."""

    id: str
    kind: Literal["browser", "program"]
    client: str
    created_at: datetime
    seen_at: datetime
    current: bool


class SessionsOut(BaseModel):
    """All of them."""

    items: list[SessionOut]
