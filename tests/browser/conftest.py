"""A platform with its pages, and Debian's Chromium to look at them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from millstream.local import web
from tests.platform import Platform, running

PASSWORD = "correct horse battery"
IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"


@pytest.fixture(scope="session")
def packages() -> Path:
    """The folder of the sources, with all packages that its lock file names."""
    root = web.sources()
    assert root is not None
    if not (root / "node_modules" / "eslint").is_dir():
        node, npm = web.tools()
        environ = {**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ['PATH']}"}
        subprocess.run(
            [*npm, "ci", "--no-audit", "--no-fund"], cwd=root, env=environ, check=True, timeout=900
        )
    return root


@pytest.fixture(scope="module")
def site(packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform whose edge serves the application; people may sign up."""
    web.ensure(progress=print)
    with running(
        tmp_path_factory.mktemp("site") / "home", MILLSTREAM_WEB="true", MILLSTREAM_SIGN_UP="open"
    ) as mill:
        yield mill


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Ends with its module: while Playwright is there its loop counts as running, and no asynchronous test can run."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("there is no Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        # Its sandbox needs user namespaces, which containers often lack; only our own pages are opened.
        found = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def page(browser: Browser, site: Platform) -> Iterator[Page]:
    """A fresh visitor."""
    context = browser.new_context(base_url=site.url, viewport={"width": 1360, "height": 860}, locale="en-US")
    found = opened(context)
    yield found
    context.close()


BROKEN: list[str] = []
"""What went wrong in the code of pages since the test began."""


@pytest.fixture(autouse=True)
def sound() -> Iterator[None]:
    """What breaks in a page's own code fails the test."""
    BROKEN.clear()
    yield
    assert not BROKEN, "\n".join(BROKEN)


def opened(context: BrowserContext) -> Page:
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.on("pageerror", lambda error: BROKEN.append(str(error)))
    return page


def keep(page: Page, name: str) -> None:
    """Keep a picture for `docs/images/` if that is asked for (PICTURES=1); they change with every font."""
    if os.environ.get("PICTURES"):
        IMAGES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=IMAGES / f"{name}.png")
