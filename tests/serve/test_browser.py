"""The pages in a real browser (Debian's Chromium): nothing fails, nothing comes from elsewhere, forms work.

Needs Chromium: CHROMIUM, or one on the PATH. Without it these tests are skipped, except with CI=true.
"""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dbt.task.docs
import pytest
from playwright.sync_api import expect, sync_playwright

from .conftest import TOKENS, Served

pytestmark = pytest.mark.browser
NAMES = ["chromium", "chromium-browser", "google-chrome"]
ARGUMENTS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
)


def chromium() -> str:
    """The browser's path; no browser is a failure in CI and a visible skip elsewhere."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if not found:
        missing = "no Chromium: install Debian's chromium package or set CHROMIUM"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    return found


@pytest.fixture
def browser_page(server: Served, tmp_path: Any) -> Iterator[tuple[Any, list[str]]]:
    """A page that notes every error and every request that leaves the server."""
    problems: list[str] = []
    executable = chromium()
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(tmp_path / "profile"),
            executable_path=executable,
            headless=True,
            args=ARGUMENTS.split(),
            base_url=server.base,
        )
        page = context.pages[0] if context.pages else context.new_page()
        expect.set_options(timeout=30_000)  # what playwright gives every action
        page.on("pageerror", lambda error: problems.append(f"error: {error}"))
        page.on(
            "console",
            lambda message: problems.append(f"console: {message.text}") if message.type == "error" else None,
        )
        page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith((server.base, "data:"))
                else problems.append(f"elsewhere: {request.url}")
            ),
        )
        yield page, problems
        context.close()


def test_a_stranger_finds_a_number_and_its_meaning(browser_page: tuple[Any, list[str]]) -> None:
    page, problems = browser_page
    page.goto("/")
    expect(page).to_have_title("Sluice")
    expect(page.locator("svg.chart")).to_have_count(2)
    assert page.locator("svg.chart").first.bounding_box()["width"] > 300
    page.get_by_role("link", name="service_metrics_per_minute").click()
    page.wait_for_url("**/service_metrics_per_minute")
    expect(page.locator("table.rows-and-columns tbody tr")).to_have_count(100)
    page.get_by_text("What the columns mean").click()
    expect(page.get_by_text("99th percentile of latency").first).to_be_visible()
    page.locator("#facet-service").get_by_role("link", name="checkout").click()
    page.wait_for_url("**service=checkout**")
    expect(page.locator("h3").first).to_contain_text("120 rows")
    page.goto("/")
    page.get_by_role("button", name="Run").click()
    page.wait_for_url("**/sluice?sql=**")
    expect(page.locator("table.rows-and-columns tbody tr")).to_have_count(2)
    page.goto("/api")
    expect(page.get_by_role("heading", name="/metrics")).to_be_visible()
    assert problems == []


def test_signing_in_shows_the_tenant_and_signing_out_hides_it(browser_page: tuple[Any, list[str]]) -> None:
    page, problems = browser_page
    page.goto("/")
    page.get_by_role("link", name="Sign in").click()
    page.get_by_label("Access token").fill(TOKENS["acme"])
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="acme").click()
    page.get_by_role("link", name="events", exact=True).click()
    expect(page.get_by_text("anvil-order-7731").first).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    page.goto("/acme/events")
    expect(page.get_by_role("heading", name="Not for you to see")).to_be_visible()
    assert [problem for problem in problems if "403" not in problem] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_pages_fit_their_window(browser_page: tuple[Any, list[str]], scheme: str, width: int) -> None:
    page, _ = browser_page
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    for path in ("/", "/sluice", "/sluice/orders", "/api", "/sign-in"):
        page.goto(path)
        overflow = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert overflow <= 0, (path, overflow)
        ground, ink = page.evaluate(
            "(() => { const s = getComputedStyle(document.body); return [s.backgroundColor, s.color] })()"
        )
        assert ground != ink


PAGES = (
    "/", "/sluice", "/sluice/orders", "/sluice/service_events?_facet=service&_sort=latency_ms", "/sluice/orders/o1",
    "/sluice?sql=select+*+from+orders", "/sluice?sql=select+1&_hide_sql=1", "/api", "/operations", "/acme/events",
    "/-/versions", "/-/plugins", "/-/metadata", "/-/settings", "/-/databases",
)  # fmt: skip


def test_no_page_needs_what_the_content_policy_forbids(browser_page: tuple[Any, list[str]]) -> None:
    page, problems = browser_page
    page.set_extra_http_headers({"Authorization": f"Bearer {TOKENS['admin']}"})
    for path in PAGES:
        response = page.goto(path, wait_until="load")
        assert response.status == 200, path
        assert "unsafe" not in response.headers["content-security-policy"], path
        page.wait_for_timeout(150)
        assert problems == [], path
    page.goto("/sluice/orders")
    page.locator("th svg.dropdown-menu-icon").first.click()
    expect(page.locator(".dropdown-menu").first).to_be_visible()
    page.goto("/sluice")
    expect(page.locator(".CodeMirror")).to_be_visible()
    page.locator(".CodeMirror").evaluate("element => element.CodeMirror.setValue('select 1 as one')")
    page.get_by_role("button", name="Format SQL").click()
    page.get_by_role("button", name="Run SQL").click()
    expect(page.locator("table.rows-and-columns tbody tr")).to_have_count(1)
    assert problems == []


def test_a_script_that_got_into_a_page_does_not_run(browser_page: tuple[Any, list[str]]) -> None:
    page, problems = browser_page
    page.goto("/sluice")
    page.evaluate(
        "document.body.insertAdjacentHTML('beforeend', '<img src=data:, onerror=\"document.title=1\">');"
        "const script = document.createElement('script'); script.textContent = 'document.title = 2';"
        "document.body.append(script)"
    )
    page.wait_for_timeout(200)
    assert page.title() == "sluice"
    assert sum("Content Security Policy" in problem for problem in problems) == 2


def test_dbts_lineage_site_works_under_its_policy(
    browser_page: tuple[Any, list[str]], server: Served
) -> None:
    """With dbt's own page and an empty project's manifest."""
    page, problems = browser_page
    site = Path(dbt.task.docs.__path__[0]) / "index.html"
    kept = [
        (name, (server.home / "target" / name).read_text())
        for name in ("index.html", "manifest.json", "catalog.json")
    ]
    empty = dict.fromkeys(
        ["nodes", "sources", "macros", "docs", "exposures", "metrics", "selectors", "disabled", "groups", "saved_queries"]
        + ["semantic_models", "unit_tests", "functions", "parent_map", "child_map", "group_map"], {},
    )  # fmt: skip
    manifest = {"metadata": {"project_name": "empty", "adapter_type": "duckdb"}, **empty}
    try:
        (server.home / "target" / "index.html").write_text(site.read_text())
        (server.home / "target" / "manifest.json").write_text(json.dumps(manifest))
        (server.home / "target" / "catalog.json").write_text(
            '{"metadata": {}, "nodes": {}, "sources": {}, "errors": null}'
        )
        response = page.goto("/lineage")
        assert "unsafe-inline" not in response.headers["content-security-policy"]
        expect(page.get_by_text("Projects").first).to_be_visible()
        page.wait_for_timeout(1000)
    finally:
        for name, text in kept:
            (server.home / "target" / name).write_text(text)
    assert [problem for problem in problems if "Policy" in problem or "policy" in problem] == []
