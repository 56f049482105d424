"""Modules from texts that were read at one moment: those of a watched folder, in this process and in killable ones.

So code never mixes two states of a folder, and no byte code of an older text is ever used.
"""

from __future__ import annotations

import hashlib
import importlib
import sys
from collections.abc import Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Final

ATTRIBUTE: Final = "__texts__"
"""Global of each module that came from texts."""


class Texts(MetaPathFinder, Loader):
    """Finds and makes the modules of one state of a folder: name to (file, text)."""

    def __init__(self, modules: Mapping[str, Sequence[str]]) -> None:
        self.modules = dict(modules)

    @property
    def digest(self) -> str:
        """Name of this state."""
        found = hashlib.sha256()
        for name, (_, text) in sorted(self.modules.items()):
            found.update(f"{name}\0{text}\0".encode())
        return found.hexdigest()[:12]

    def install(self) -> None:
        """Have these modules imported, in the place of those of any other state."""
        for finder in [finder for finder in sys.meta_path if isinstance(finder, Texts)]:
            sys.meta_path.remove(finder)
        for name in [name for name, module in sys.modules.items() if ATTRIBUTE in vars(module)]:
            del sys.modules[name]
        sys.meta_path.insert(0, self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of one of the modules."""
        if fullname not in self.modules:
            return None
        return ModuleSpec(fullname, self, origin=self.modules[fullname][0])

    def exec_module(self, module: ModuleType) -> None:
        """Run the text."""
        file, text = self.modules[module.__name__]
        module.__file__ = file
        setattr(module, ATTRIBUTE, self)
        exec(compile(text, file, "exec"), vars(module))


def texts_of(scope: Mapping[str, Any]) -> Texts | None:
    """Return where the module came from whose globals these are."""
    found = scope.get(ATTRIBUTE)
    return found if isinstance(found, Texts) else None


def module_of(digest: str, modules: Mapping[str, Sequence[str]], name: str) -> ModuleType:
    """Import a module of a state, which stays until another one is asked for."""
    there = next((finder for finder in sys.meta_path if isinstance(finder, Texts)), None)
    if there is None or there.digest != digest:
        Texts(modules).install()
    return importlib.import_module(name)
