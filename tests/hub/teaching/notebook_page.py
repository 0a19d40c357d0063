"""JupyterLab in a browser: its notices, and a notebook that is ready to be typed into."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

#: Asked by the page itself: only browsers find names below localhost.
SESSIONS = """async address => {
  const token = /_xsrf=([^;]+)/.exec(document.cookie)[1];
  return (await fetch(address, {headers: {"X-XSRFToken": token}})).json();
}"""


def toast(page: Page, text: str) -> Locator:
    return page.locator(".Toastify__toast").filter(has_text=text).first


def open_notebook(lab: Page, path: str) -> Locator:
    """Open a notebook and return its first cell's editor, once its kernel is connected.

    Until then Lab may take the focus away for a dialog, and does not run a cell, without a word,
    although its indicator says idle.
    """
    server = lab.url.split("/lab")[0]
    lab.goto(f"{server}/lab/tree/{path}?reset")

    def connected() -> bool:
        kernels = (
            session["kernel"]
            for session in lab.evaluate(SESSIONS, f"{server}/api/sessions")
            if session["path"] == path
        )
        return any(k["connections"] and k["execution_state"] == "idle" for k in kernels)

    wait_until(connected, seconds=120, what=f"the kernel of {path} is connected")
    lab.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for()
    return lab.locator(".jp-Notebook .cm-content").first


def write(lab: Page, editor: Locator, text: str) -> None:
    """Replace the text of a cell, as a user does."""
    editor.click()
    expect(editor).to_be_focused()
    lab.keyboard.press("Control+a")
    lab.keyboard.type(text)
    expect(editor).to_have_text(text)
