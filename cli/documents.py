"""`millstream documents`: writes the pages of `docs/` that are made from code. A test holds them up to date."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import typer
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from millstream.cli import described
from millstream.cli.console import say
from millstream.cli.settings import NESTED, PREFIX, Settings, section_of

FOLDER = Path(__file__).resolve().parents[1] / "docs"

HEAD = """\
# Settings

Environment variables, read once at the start of a process. A variable that begins with `MILLSTREAM_` and is not in
this table is refused, naming the nearest one. Made by `millstream documents` from `cli/settings.py`.

| variable | default | what it says |
| --- | --- | --- |
"""


def register(app: typer.Typer) -> None:
    app.command(hidden=True)(documents)


def documents() -> None:
    """Write the pages."""
    for name, text in {**pages(), **block_pages()}.items():
        path = FOLDER / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        say(f"wrote {path}")


def pages() -> dict[str, str]:
    """Return file name -> text of all pages that are made from code."""
    from millstream.api.graphql.schema import make
    from millstream.topics.asyncapi import document
    from millstream.topics.pages import topics_page

    asyncapi = json.dumps(document(version("millstream")), indent=2) + "\n"
    return {
        "settings.md": settings_page(),
        "topics.md": topics_page(),
        "compatibility.md": described.compatibility_page(),
        "../clients/python/openapi.json": described.client_schema(),
        "asyncapi.json": asyncapi,
        "schema.graphql": make().as_str().rstrip() + "\n",
    }


def block_pages() -> dict[str, str]:
    """Return file name -> text of the pages about our own blocks, a family each."""
    from millstream.cli import block_pages
    from millstream.processors import blocks
    from millstream.processors.registry import load_registry

    ours = [block for block in load_registry() if block.module.startswith(f"{blocks.__name__}.")]
    return {f"blocks/{name}": text for name, text in block_pages.pages(ours).items()}


def settings_page() -> str:
    """Return the page about the settings."""
    return HEAD + "".join(
        f"| `{name}` | {default} | {text} |\n" for name, default, text in _rows(Settings, PREFIX)
    )


def _rows(model: type[BaseModel], prefix: str) -> list[tuple[str, str, str]]:
    rows = []
    for name, field in model.model_fields.items():
        variable = f"{prefix}{name}".upper()
        if (section := section_of(field)) is not None:
            rows += _rows(section, variable + NESTED)
        else:
            rows.append((variable, _default(field), field.description or ""))
    return rows


def _default(field: FieldInfo) -> str:
    value = field.default
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    return "" if value in (None, "", ()) else f"`{value}`"
