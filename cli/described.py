"""What is written about the API from its code: the page of compatibility, and the schema that clients are made from."""

from __future__ import annotations

import json
from typing import Any

HEAD = """\
# Compatibility with AutoGPT

Millstream serves operations of AutoGPT's internal API under their own paths, with its bodies and error shapes, beside its
own API (`/api/v1`, see [the API](api.md)). Made by `millstream documents` from the routes, so that it says what is there.

- Log in as everywhere here: `Authorization: Bearer <access token or API key>`, or `X-API-Key: <key>`.
- Errors of handlers are `{message, detail, hint}`; of those who may not come in, `{detail}`. A graph that cannot be run is 400
  with `{"detail": {"type": "validation_error", "message", "node_errors"}}`. Bugs, and servers that are away, are problems of
  RFC 9457.
- Graphs that are exported there can be posted here. Ids of nodes stay when a graph is saved again, if they were known.
- A public link has an end: a year. `auto_approve_future` is refused. Uploaded files are kept until they are removed.
  Of a key only its beginning is kept (`tail` is empty), and no description; its permissions are changed by its maker alone.
- Credentials go in and never come out; `id`, `provider` and `metadata` in their bodies do not count. Removing one tells its
  service nothing (`revoked` is null). Files of one name live beside each other, so `overwrite=true` is refused.
- Which services blocks use (`/api/integrations/providers`) is told to whoever is logged in.
- An operation that is not there is answered 404.

"""
EXTERNAL = """
## External API

For programs, with an API key; scopes are AutoGPT's permissions.

| operation |
| --- |
"""


def compatibility_page() -> str:
    """Return `docs/compatibility.md`."""
    from millstream.api.compat.operations import operations, same
    from millstream.api.compat.routers import INTERNAL
    from millstream.api.external.router import router as external

    there = {(method, same(route.path)) for router in INTERNAL for method, route in _routes(router)}
    rows, last = [], ""
    listed = operations()
    for group, method, path in listed:
        if group != last:
            rows.append(f"\n## {group}\n\n| operation | there |\n| --- | --- |\n")
            last = group
        mark = "yes" if (method, same(path)) in there else "no"
        rows.append(f"| {method} `{path}` | {mark} |\n")
    count = sum((method, same(path)) in there for _, method, path in listed)
    summary = f"There are {count} of {len(listed)} operations.\n"
    programs = "".join(f"| {method} `{route.path}` |\n" for method, route in _routes(external))
    return HEAD + summary + "".join(rows) + EXTERNAL + programs


def client_schema() -> str:
    """Return the description of the native API, from which `clients/python` is made."""
    from pydantic import SecretStr

    from millstream.api.app import create_app
    from millstream.api.settings import EdgeSettings

    settings = EdgeSettings(
        kafka={}, dsn=SecretStr(""), redis=SecretStr(""), objects="", token=SecretStr("x" * 32)
    )
    schema = create_app(settings, []).openapi()
    native = {path: found for path, found in schema["paths"].items() if path.startswith("/api/v1/")}
    whole = {**schema, "paths": native}
    whole["components"] = {**schema["components"], "schemas": _used(native, schema["components"]["schemas"])}
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def _routes(router: Any) -> list[tuple[str, Any]]:
    return [(method, route) for route in router.routes for method in sorted(route.methods)]


def _used(paths: Any, models: dict[str, Any]) -> dict[str, Any]:
    """The models that operations name, and those that these name."""
    found: dict[str, Any] = {}
    waiting = _named(paths)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = models[name]
            waiting |= _named(models[name])
    return dict(sorted(found.items()))


def _named(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"].rsplit("/", 1)[1]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*(_named(each) for each in value.values()))
    if isinstance(value, list):
        return set().union(*(_named(each) for each in value))
    return set()
