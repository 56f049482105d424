"""What all blocks of Google share: the services, and how one logs in. Connect an account as provider `google`."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final

from millstream.processors.credentials import Credentials
from millstream.processors.rest import Service

GMAIL = Service(
    provider="google", name="gmail", title="Gmail", url="https://gmail.googleapis.com/gmail/v1/users/me"
)
CALENDAR = Service(
    provider="google",
    name="google_calendar",
    title="Google Calendar",
    url="https://www.googleapis.com/calendar/v3",
)
SHEETS = Service(
    provider="google", name="google_sheets", title="Google Sheets", url="https://sheets.googleapis.com/v4"
)
_SCOPE: Final = "https://www.googleapis.com/auth/"
ReadMail = Annotated[Credentials, GMAIL.takes("oauth2", scopes=(f"{_SCOPE}gmail.readonly",))]
SendMail = Annotated[Credentials, GMAIL.takes("oauth2", scopes=(f"{_SCOPE}gmail.send",))]
LabelMail = Annotated[Credentials, GMAIL.takes("oauth2", scopes=(f"{_SCOPE}gmail.labels",))]
ReadEvents = Annotated[Credentials, CALENDAR.takes("oauth2", scopes=(f"{_SCOPE}calendar.readonly",))]
WriteEvents = Annotated[Credentials, CALENDAR.takes("oauth2", scopes=(f"{_SCOPE}calendar",))]
Cells = Annotated[Credentials, SHEETS.takes("oauth2", scopes=(f"{_SCOPE}spreadsheets",))]
LOGIN: Final = {"id": "00000000-0000-4000-8000-000000000003", "provider": "google", "type": "oauth2"}
"""For samples."""


def served(value: Any) -> tuple[str, str]:
    """Return a page for a sample."""
    return "application/json", json.dumps(value)
