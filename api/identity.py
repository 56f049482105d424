"""The routers of people, organisations and keys, in one list for the app."""

from __future__ import annotations

from millstream.api.auth.router import router as auth
from millstream.api.auth.router import well_known
from millstream.api.keys.router import router as keys
from millstream.api.me.router import router as me
from millstream.api.me.sessions import router as sessions
from millstream.api.orgs.router import router as orgs
from millstream.api.sso.router import router as sso
from millstream.api.users.router import router as users

ROUTERS = (auth, sso, well_known, me, sessions, keys, orgs, users)
