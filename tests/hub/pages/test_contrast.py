"""Text is readable: WCAG 2.1 AA, https://www.w3.org/TR/WCAG21/#contrast-minimum."""

import re

import pytest

from tests.waiting import wait_until

pytestmark = pytest.mark.browser
both_schemes = pytest.mark.parametrize("scheme", ["light", "dark"], indirect=True)

#: The lightest part of the picture behind the login form.
LIGHTEST_OF_SCENE = (75, 155, 190, 1.0)

TEXTS = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim();
    const element = walker.currentNode.parentElement;
    if (!text || !element.checkVisibility() || element.closest("script, noscript")) continue;
    const style = getComputedStyle(element);
    const layers = [];
    for (let e = element; e; e = e.parentElement) {
      const s = getComputedStyle(e);
      layers.push([s.backgroundColor, s.backgroundImage]);
    }
    found.push({
      text, color: style.color, layers, disabled: element.matches(":disabled"),
      size: parseFloat(style.fontSize), bold: Number(style.fontWeight) >= 700,
    });
  }
  return found;
}"""


def colors(text):
    """The colours in a computed style, as red, green, blue (0-255) and alpha."""
    found = []
    for part in re.findall(r"rgba?\(([^)]*)\)", text):
        numbers = [float(n) for n in re.findall(r"[\d.]+", part)]
        found.append((*numbers[:3], numbers[3] if len(numbers) > 3 else 1.0))
    return found


def over(top, bottom):
    """The opaque colour of `top` painted on the opaque `bottom`."""
    alpha = top[3]
    mixed = (t * alpha + b * (1 - alpha) for t, b in zip(top[:3], bottom[:3], strict=True))
    return (*mixed, 1.0)


def luminance(color):
    """Relative luminance, WCAG 2.1."""
    parts = [c / 255 for c in color[:3]]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    """Contrast ratio, WCAG 2.1."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def backgrounds(layers):
    """The colours that may lie behind a text: more than one where there is a gradient."""
    below = [(255.0, 255.0, 255.0, 1.0)]
    for color, image in reversed(layers):
        below = [over(top, b) for top in colors(color) for b in below]
        if "url(" in image:
            below = [LIGHTEST_OF_SCENE]
        elif image != "none":
            below = [over(top, b) for top in colors(image) for b in below]
    return below


def hard_to_read(page):
    """Texts below the required contrast, with what they have."""
    bad = []
    texts = page.evaluate(TEXTS)
    assert len(texts) > 5, "hardly any text was found on the page"
    for item in texts:
        if item["disabled"]:
            continue
        large = item["size"] >= 24 or (item["bold"] and item["size"] >= 18.66)
        text = colors(item["color"])[0]
        lowest = min(contrast(over(text, b), b) for b in backgrounds(item["layers"]))
        if lowest < (3 if large else 4.5):
            bad.append((item["text"][:40], round(lowest, 2)))
    return bad


def test_the_formula_gives_the_standards_values():
    black, white = (0, 0, 0, 1), (255, 255, 255, 1)
    assert contrast(black, white) == pytest.approx(21)
    assert contrast((0x77, 0x77, 0x77, 1), white) == pytest.approx(4.48, abs=0.005)


@both_schemes
@pytest.mark.parametrize("level", ["info", "warning", "danger"])
def test_banner_and_login_are_readable(page, hub, level):
    hub.set_banner("Something happens", level)

    def shown():
        page.goto("/hub/login")
        return page.locator(f".km3-banner-{level}").count() == 1

    wait_until(shown, seconds=60, what="the banner is shown")
    assert hard_to_read(page) == []
    hub.set_banner("")


@both_schemes
def test_a_failed_login_is_readable(page):
    page.goto("/hub/login")
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password", exact=True).fill("wrong")
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("alert").wait_for()
    assert hard_to_read(page) == []


@both_schemes
def test_pages_are_readable(page, log_in):
    log_in("reader")
    for path in ("spawn", "spawn?image=alpine", "home", "token", "nothing", "admin", "logout"):
        page.goto(f"/hub/{path}")
        page.locator("main h1").first.wait_for()
        assert hard_to_read(page) == [], path


@both_schemes
def test_the_scheme_of_the_system_is_followed(page, scheme):
    page.goto("/hub/login")
    panel = page.locator(".km3-panel")
    color = colors(panel.evaluate("e => getComputedStyle(e).backgroundColor"))[0]
    assert (luminance(color) > 0.5) == (scheme == "light")


def test_less_motion_is_respected(page):
    page.goto("/hub/login")
    assert page.evaluate("matchMedia('(prefers-reduced-motion: reduce)').matches")
    button = page.locator("#login_submit")
    assert button.evaluate("e => getComputedStyle(e).transitionDuration") == "0s"
