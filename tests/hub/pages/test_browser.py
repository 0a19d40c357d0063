"""The pages in a real browser: keyboard, phone width, progress, failure, banner."""

import re

import pytest
from playwright.sync_api import expect

from tests.waiting import wait_until

pytestmark = pytest.mark.browser

ENVIRONMENT = "input[name=environment]"


def tab_to(page, selector, most=30):
    """Press Tab until `selector` has the focus."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            return
    pytest.fail(f"{selector} is not reached with {most} presses of Tab")


def too_wide(page):
    """What sticks out of the page to the right."""
    return page.evaluate(
        """() => {
          const width = document.documentElement.clientWidth;
          if (document.documentElement.scrollWidth <= width) return [];
          return [...document.querySelectorAll("body *")]
            .filter((e) => e.getBoundingClientRect().right > width + 0.5)
            .map((e) => e.outerHTML.slice(0, 80));
        }"""
    )


@pytest.mark.parametrize("width", [1280, 360])
def test_pages_fit_the_screen(page, hub, log_in, width):
    page.set_viewport_size({"width": width, "height": 740})
    page.goto("/hub/login")
    assert too_wide(page) == []
    log_in("admin")
    paths = ("spawn", "spawn?image=" + "x" * 200, "home", "token", "nothing", "admin", "logout")
    for path in paths:
        page.goto(f"/hub/{path}")
        page.locator("main").wait_for()
        assert too_wide(page) == [], path


def test_every_page_has_one_heading_a_language_and_landmarks(page, log_in):
    page.goto("/hub/login")
    log_in("landmarks")
    for path in ("spawn", "home", "nothing", "token", "logout"):
        page.goto(f"/hub/{path}")
        assert page.locator("h1").count() == 1, path
        assert page.locator("html").get_attribute("lang") == "en"
        for landmark in ("banner", "main", "contentinfo"):
            expect(page.get_by_role(landmark)).to_have_count(1)


def test_the_title_names_page_and_site(page):
    page.goto("/hub/login")
    expect(page).to_have_title("Log in · Test platform")


def test_pages_run_without_script_errors(page, log_in):
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    log_in("scripts")
    for path in ("home", "token", "nothing", "logout", "login"):
        page.goto(f"/hub/{path}", wait_until="load")
    assert errors == []


def test_login_and_choice_work_with_the_keyboard_alone(page, account, password):
    account("keys")
    page.goto("/hub/login")
    # The first field has the focus already.
    expect(page.locator("input[name=username]")).to_be_focused()
    page.keyboard.type("keys")
    page.keyboard.press("Tab")
    page.keyboard.type(password)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Start your server").wait_for()
    tab_to(page, ENVIRONMENT)
    page.keyboard.press("ArrowDown")
    expect(page.get_by_label("Slow one")).to_be_checked()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_label("KM3NeT stack")).to_be_checked()
    tab_to(page, "input[name=size]")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_label("Large")).to_be_checked()
    tab_to(page, "button[type=submit]")
    page.keyboard.press("Enter")
    expect(page.get_by_text("hello keys")).to_be_visible(timeout=90_000)
    page.goto("/hub/home")
    expect(page.get_by_text("Your server is running")).to_be_visible()
    expect(page.locator("dl")).to_contain_text("KM3NeT stack")
    expect(page.locator("dl")).to_contain_text("Large")
    tab_to(page, "#stop")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Your server is not running")).to_be_visible()


def test_the_focus_is_always_seen(page, log_in):
    log_in("focus")
    page.goto("/hub/spawn")
    reached = 0
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):
            break
        reached += 1
        seen = page.evaluate(
            """() => {
              const e = document.activeElement;
              const marked = e.closest(".km3-card") || e;
              const style = getComputedStyle(marked);
              return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
            }"""
        )
        assert seen, page.evaluate("document.activeElement.outerHTML")
    assert reached >= 8


def test_the_skip_link_leads_to_the_content(page, log_in):
    log_in("skipper")
    page.goto("/hub/spawn")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    tab_to(page, ENVIRONMENT, most=1)


def test_a_wrong_password_is_reported_and_the_name_kept(page):
    page.goto("/hub/login")
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password", exact=True).fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_have_text("Invalid username or password")
    expect(page.get_by_label("User name")).to_have_value("ada")
    expect(page.get_by_label("Password", exact=True)).to_be_focused()


def test_the_password_can_be_shown(page):
    page.goto("/hub/login")
    field = page.locator("#password_input")
    page.get_by_role("button", name="Show password").click()
    expect(field).to_have_attribute("type", "text")
    page.get_by_role("button", name="Show password").click()
    expect(field).to_have_attribute("type", "password")


def test_progress_is_shown_and_a_start_can_be_cancelled(page, log_in):
    log_in("waiting")
    page.get_by_label("Slow one").check()
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("heading", name="Your server is starting")).to_be_visible()
    status = page.locator("#progress-message")
    # Markup in a message is text.
    expect(status).to_have_text("Preparing <b>tutorials</b>")
    expect(page.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "60")
    page.get_by_text("What happened so far").click()
    expect(page.locator("#progress-details li").nth(1)).to_have_text("Starting Slow one")
    page.get_by_role("button", name="Cancel").click()
    expect(page).to_have_url(re.compile("/hub/home$"))
    expect(page.get_by_text("Your server is not running")).to_be_visible()


def test_a_failed_start_says_what_to_do_and_can_be_repeated(page, log_in):
    log_in("unlucky")
    page.get_by_label("Dying one").check()
    page.get_by_role("button", name="Start").click()
    heading = page.get_by_role("heading", name="Your server could not be started")
    expect(heading).to_be_visible(timeout=90_000)
    expect(page.get_by_role("alert")).to_contain_text("did not respond in time")
    expect(page.get_by_role("main")).to_contain_text("help@example.org")
    page.get_by_text("What happened").click()
    expect(page.locator("details li").first).to_be_visible()
    page.get_by_role("link", name="Try again").click()
    expect(page.get_by_role("heading", name="Start your server")).to_be_visible()
    expect(page.get_by_label("Dying one")).to_be_checked()


def test_the_reason_of_a_refused_start_stands_above_the_form(page, log_in):
    log_in("refused")
    page.get_by_label("Full one").check()
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("alert")).to_have_text("The disk <of full> is full.")
    expect(page.get_by_role("button", name="Start")).to_be_enabled()


def test_the_reason_of_a_failed_start_stands_on_its_page(page, log_in):
    log_in("late")
    page.get_by_label("Late one").check()
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("heading", name="Your server could not be started")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_text("The disk <of late> is full.")


def test_the_banner_changes_without_a_restart_and_is_plain_text(page, hub):
    def banner():
        page.goto("/hub/login")
        box = page.get_by_role("region", name="Announcement")
        return box.inner_text() if box.count() else ""

    text = "Power cut <script>document.title='owned'</script> at 18:00"
    hub.set_banner(text, "danger")
    wait_until(lambda: banner() == text, seconds=60, what="the banner is shown")
    assert page.title() == "Log in · Test platform"
    expect(page.locator(".km3-banner-danger")).to_be_visible()
    hub.set_banner("")
    wait_until(lambda: banner() == "", seconds=60, what="the banner is gone")


def test_a_site_elsewhere_cannot_start_a_server(page, hub, log_in):
    log_in("target")
    # Another port is another origin but the same site, so that the browser sends the cookies.
    evil = "http://127.0.0.1:4321/"
    page.route(
        evil,
        lambda route: route.fulfill(
            content_type="text/html",
            body=f'<form method="post" action="{hub.url}/hub/spawn">'
            '<input name="environment" value="works"><button>Win</button></form>',
        ),
    )
    page.goto(evil)
    with page.expect_response(lambda r: r.request.method == "POST") as forged:
        page.get_by_role("button", name="Win").click()
    assert forged.value.status == 403
    with hub.api() as api:
        assert api.get("/users/target").json()["servers"] == {}
