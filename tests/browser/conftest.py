"""A browser for tests: what a person does, through the page; an error in the console fails the test."""

import shutil

import pytest

from tests.browser.sitting import layer, sit, sound  # noqa: F401
from tests.conftest import missing
from tests.people import PASSWORD

FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
FLAGS += ["--no-first-run", "--disable-quic", "--autoplay-policy=no-user-gesture-required", "--disable-gpu"]


@pytest.fixture(scope="session")
def browser():
    from playwright.sync_api import expect, sync_playwright

    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        missing("Chromium", "install the package chromium to run the browser tests")
    expect.set_options(timeout=20_000)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def site(live_server):
    """The site's address."""
    return live_server.url


@pytest.fixture
def page(browser, site):
    """A fresh page; what it logs as an error, and what it asks of other hosts, fails the test at its end."""
    context = browser.new_context(base_url=site, viewport={"width": 1280, "height": 800})
    context.set_default_timeout(20_000)
    found = context.new_page()
    found.troubles = []
    found.expected_troubles = []  # parts of messages that the test provokes on purpose
    found.on("pageerror", lambda error: found.troubles.append(str(error)))
    found.on("console", lambda message: message.type == "error" and found.troubles.append(message.text))
    found.on(
        "request", lambda request: _own(request.url, site) or found.troubles.append(f"another host: {request.url}")
    )
    yield found
    context.close()
    unexpected = [each for each in found.troubles if not any(part in each for part in found.expected_troubles)]
    assert not unexpected, unexpected


def _own(url, site):
    return url.startswith((site, "data:", "blob:", "about:"))


@pytest.fixture
def log_in(page):
    """Log in through the form."""

    def as_person(person):
        page.goto("/login/")
        page.get_by_label("Username").fill(person.username)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.get_by_role("button", name="Log out").wait_for()

    return as_person
