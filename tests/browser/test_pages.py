"""The web application in a real browser, on the real platform."""

from __future__ import annotations

import json
import re
import time
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PASSWORD, keep, opened
from tests.platform import Platform

pytestmark = pytest.mark.integration
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
ADA, BEN = "ada@example.com", "ben@example.com"


@pytest.fixture(scope="module")
def ada(site: Platform, browser: Browser) -> str:
    """The first account, made on the set-up page with the code that `up` prints. Returns the stored log-in."""
    code = json.loads((site.home / "secrets.json").read_text())["setup_code"]
    context = browser.new_context(base_url=site.url, locale="en-US")
    page = opened(context)
    page.goto(f"/setup#code={code}")
    expect(page.get_by_label("Set-up code")).to_have_value(code)
    page.get_by_label("Name").fill("Ada")
    page.get_by_label("E-mail").fill(ADA)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create the account").click()
    page.wait_for_url("**/agents")
    state = json.dumps(context.storage_state())
    context.close()
    return state


@pytest.fixture
def user(ada: str, site: Platform, browser: Browser) -> Page:
    """Ada, logged in."""
    context = browser.new_context(
        base_url=site.url,
        locale="en-US",
        viewport={"width": 1360, "height": 860},
        storage_state=json.loads(ada),
    )
    return opened(context)


def test_strangers_are_sent_to_the_log_in_and_back_to_where_they_wanted(ada: str, page: Page) -> None:
    page.goto("/runs?show=errors")
    page.wait_for_url("**/login?next=*")
    page.get_by_label("E-mail").fill(ADA)
    page.get_by_label("Password").fill("wrong horse battery")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/runs?show=errors")
    expect(page.get_by_role("heading", name="Runs")).to_be_visible()
    page.goto("/login?next=//evil.example")
    page.wait_for_url("**/agents")


def test_a_file_is_imported_run_and_watched_to_its_end(user: Page) -> None:
    user.goto("/agents")
    user.get_by_label("Import a file").set_input_files(EXAMPLES / "text_pipeline.json")
    user.wait_for_url("**/build/*")
    expect(user.get_by_text("Ready to run")).to_be_visible()
    expect(user.locator(".react-flow__node")).to_have_count(6)
    user.get_by_role("button", name="Run", exact=True).click()
    dialog = user.get_by_role("dialog")
    dialog.get_by_label("text", exact=False).first.fill("three short words")
    dialog.get_by_role("button", name="Run").click()
    status = user.get_by_role("status").filter(has_text="node runs")
    expect(status).to_contain_text("Completed", timeout=60_000)
    keep(user, "builder")
    user.get_by_role("link", name="Open the run").click()
    expect(user.get_by_text("your text has 3 words", exact=False).first).to_be_visible()
    user.get_by_role("button", name=re.compile("^Count:")).click()
    expect(user.get_by_role("heading", name="Count")).to_be_visible()
    user.get_by_role("tab", name="Canvas").click()
    expect(user.locator(".react-flow__node")).to_have_count(6)
    keep(user, "run")


def test_an_agent_is_built_by_mouse_saved_undone_and_restored(user: Page) -> None:
    user.goto("/agents")
    user.get_by_role("button", name="New agent").click()
    user.wait_for_url("**/build/*")
    search = user.get_by_label("Search blocks")
    search.fill("constant")
    user.get_by_role("button", name=re.compile("^Constant")).first.click()
    expect(user.locator(".react-flow__node")).to_have_count(1)
    search.fill("agent output")
    user.get_by_role("button", name=re.compile("^Agent output")).first.click()
    expect(user.locator(".react-flow__node")).to_have_count(2)
    expect(user.locator(".react-flow__edge")).to_have_count(1)  # what fits is connected by itself
    user.keyboard.press("Escape")
    user.locator(".react-flow__node").first.click()
    user.get_by_role("complementary", name="Node").get_by_label("Name").fill("Beginning")
    expect(user.locator(".react-flow__node").filter(has_text="Beginning")).to_have_count(1)
    user.get_by_role("button", name="Save").click()
    expect(user.get_by_text("v2", exact=True)).to_be_visible()
    user.locator(".react-flow__pane").click(position={"x": 400, "y": 500})
    user.get_by_role("button", name="Undo (Ctrl+Z)").click()
    expect(user.get_by_text("not saved")).to_be_visible()
    user.get_by_role("button", name="Redo (Ctrl+Shift+Z)").click()
    expect(user.get_by_text("v2", exact=True)).to_be_visible()
    user.get_by_role("button", name="Versions").click()
    dialog = user.get_by_role("dialog")
    dialog.get_by_role("button", name="v1").click()
    dialog.get_by_role("button", name="Restore version 1").click()
    expect(user.locator(".react-flow__node")).to_have_count(0)
    expect(user.get_by_text("not saved")).to_be_visible()


def test_another_user_sees_neither_the_agent_nor_the_run(site: Platform, user: Page, page: Page) -> None:
    graph = site.save(json.loads((EXAMPLES / "calculator.json").read_text()))
    run = site.execute(graph, inputs={"a": 2, "b": 3})
    site.wait(run)
    user.goto(f"/runs/{run}")
    expect(user.get_by_role("heading", name="Run of Calculator")).to_be_visible()
    answer = site.client.post(
        "/api/v1/auth/register", json={"email": BEN, "password": PASSWORD, "name": "Ben"}
    )
    assert answer.status_code == 202
    verify(site)
    page.goto("/login")
    page.get_by_label("E-mail").fill(BEN)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/agents")
    expect(page.get_by_text("No agents yet")).to_be_visible()
    page.goto(f"/runs/{run}")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_text("Calculator")).to_have_count(0)


def verify(site: Platform) -> None:
    """Take the link of the mail, which this platform keeps as a file."""
    deadline = time.monotonic() + 30
    while not (mails := sorted((site.home / "mail").glob("*"))):
        assert time.monotonic() < deadline, "no mail was kept"
        time.sleep(0.1)
    mail = message_from_bytes(mails[-1].read_bytes(), policy=policy.default)
    found = re.search(r"#token=(\S+)", mail.get_content())
    assert found
    body = {"token": found[1], "password": PASSWORD}
    assert site.client.post("/api/v1/auth/verify", json=body).status_code == 204


PAGES = [
    "agents",
    "runs",
    "approvals",
    "blocks",
    "settings",
    "settings/keys",
    "settings/credentials",
    "settings/team",
]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_is_free_of_what_axe_finds(user: Page, theme: str) -> None:
    user.add_init_script(f"localStorage.setItem('millstream.theme', '{theme}')")
    found = []
    for path in PAGES:
        user.goto(f"/{path}")
        expect(user.get_by_role("heading", level=1)).to_be_visible()
        user.wait_for_load_state("networkidle")
        results = Axe().run(user, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa"]})
        found += [
            f"{path}: {each['id']} {[n['target'] for n in each['nodes']][:3]}"
            for each in results.response["violations"]
        ]
        keep(user, f"{path.replace('/', '-')}-{theme}")
    assert not found, "\n".join(found)


def test_pages_read_well_on_a_phone_and_in_other_languages(user: Page) -> None:
    user.set_viewport_size({"width": 390, "height": 800})
    user.add_init_script("localStorage.setItem('millstream.language', 'de')")
    for path in PAGES:
        user.goto(f"/{path}")
        expect(user.get_by_role("heading", level=1)).to_be_visible()
        wide = user.evaluate("document.documentElement.scrollWidth")
        assert wide <= 390, f"{path} is {wide} pixels wide"
    user.get_by_role("button", name="Menü öffnen").click()
    user.get_by_role("link", name="Läufe").click()
    expect(user.get_by_role("heading", name="Läufe")).to_be_visible()


def test_an_unknown_address_gets_a_page_of_ours(page: Page) -> None:
    answer = page.goto("/no/such/page")
    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
