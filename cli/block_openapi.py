"""`millstream block from-openapi`: a package whose blocks are the operations of an OpenAPI document."""

from __future__ import annotations

import json
import keyword
import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from millstream.cli.console import say
from millstream.schemas.errors import ConfigurationError, InputInvalidError

PYPROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "{name}"
version = "0.1.0"
description = {about}
requires-python = ">=3.11"
dependencies = ["millstream"]

[project.entry-points."millstream.blocks"]
{module} = "{module}"

[tool.hatch.build.targets.wheel]
packages = ["{module}"]
"""

MODULE = '''\
"""Blocks of {name}, one for each operation of `{file}`."""

from __future__ import annotations

from importlib.resources import files

from millstream.processors.generated.openapi_blocks import blocks_from

globals().update(
    blocks_from(
        (files(__name__) / "{file}").read_text(encoding="utf-8"),
        module=__name__,
        provider="{provider}",
        server={server},
    )
)
'''

TEST = """\
from millstream import Block
import {module}


def test_each_operation_is_a_block() -> None:
    blocks = [value for value in vars({module}).values() if isinstance(value, Block)]
    assert len(blocks) == {count}
"""


def register(parent: typer.Typer) -> None:
    """Add the command to `millstream block`."""
    parent.command("from-openapi")(from_openapi)


def from_openapi(
    file: Annotated[Path, typer.Argument(help="An OpenAPI document, 3.0 or 3.1, in JSON or YAML.")],
    package: Annotated[
        str, typer.Option("--package", help="Name of the package, such as `petstore-blocks`.")
    ],
    into: Annotated[Path, typer.Option("--into", help="Where its folder goes.")] = Path(),
    provider: Annotated[
        str, typer.Option(help="What its credentials are called; default: the name of the package.")
    ] = "",
    server: Annotated[
        str, typer.Option(help="Address of the service, if the document names none or another is wanted.")
    ] = "",
) -> None:
    """Write a package of blocks, one for each operation of a document; install it, and they are there."""
    from millstream.processors.generated.openapi_blocks import blocks_from

    module = re.sub(r"[-.\s]+", "_", package).lower()
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", package) or keyword.iskeyword(module):
        raise InputInvalidError(f"{package!r} is no name for a package; use letters, digits and `-`.")
    if module in sys.stdlib_module_names or module == "millstream":
        raise InputInvalidError(f"Python has a module {module!r} already; choose another name.")
    provider = provider or module
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,49}", provider):
        raise InputInvalidError(f"{provider!r} is no name of a provider; use small letters, digits and `_`.")
    folder = into / package
    if folder.exists():
        raise ConfigurationError(f"{str(folder)!r} is there already; choose another name, or remove it.")
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputInvalidError(f"{str(file)!r} cannot be read: {error}.") from error
    blocks = blocks_from(text, module=module, provider=provider, server=server)
    if not blocks:
        raise InputInvalidError(f"{str(file)!r} has no operations.")
    written = {
        "pyproject.toml": PYPROJECT.format(
            name=package,
            module=module,
            about=json.dumps(f"Blocks of {provider}, made from its OpenAPI document."),
        ),
        f"{module}/__init__.py": MODULE.format(
            name=package, file=_data_name(file), provider=provider, server=json.dumps(server)
        ),
        f"{module}/{_data_name(file)}": text,
        f"test_{module}.py": TEST.format(module=module, count=len(blocks)),
    }
    for name, content in written.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
        say(f"wrote {folder / name}")
    say(f"\n{len(blocks)} blocks.  next:  pip install {folder}    millstream block test {module}")


def _data_name(file: Path) -> str:
    return "openapi.json" if file.suffix == ".json" else "openapi.yaml"
