"""The page of a link to a course's repository: it asks, fetches, merges and opens the course."""

from __future__ import annotations

import asyncio
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_path_join
from tornado import web

from km3lab.courses.links import Link, LinkError, read_link
from km3lab.courses.merging import BusyError, Merged, Record, locked, merge
from km3lab.courses.repository import FetchError, fetched
from km3lab.folder import NO_SPACE
from km3lab.manifest import folder_of
from km3lab.notices import Notices

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

__all__ = ["CourseHandler", "open_courses"]

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<style>body {{ font: 1.1rem/1.5 system-ui, sans-serif; max-width: 38rem; margin: 12vh auto;
padding: 0 1.5rem }} dt {{ font-weight: 600 }} dd {{ margin: 0 0 .8rem; overflow-wrap: anywhere }}
button {{ font: inherit; padding: .5rem 1.2rem; margin-right: 1rem; cursor: pointer }}
</style></head><body><h1>{title}</h1>{body}</body></html>
"""
_QUESTION = """<p>The link that you opened brings files into your home.</p>
<dl><dt>From</dt><dd>{repository}</dd><dt>Branch</dt><dd>{branch}</dd>
<dt>To your folder</dt><dd>{target}</dd></dl>
<p>Files that you changed or deleted there stay as they are. Continue only if you trust this
address: notebooks from it can do everything in your server that you can.</p>
<form method="post">{xsrf}<button>Fetch the files</button> <a href="{lab}">Cancel</a></form>
<p>Fetching a large repository can take some minutes.</p>
"""
_TROUBLE = '<p>{why}</p><p><a href="{lab}">Go to JupyterLab</a></p>'
_SHOWN = 5


class CourseHandler(JupyterHandler):
    """`GET` asks before the first fetch from an address to a folder; `POST` is the answer."""

    def initialize(self, home: Path, notices: Notices) -> None:
        """Keep the home and the notices."""
        self._home = home
        self._notices = notices

    def set_default_headers(self) -> None:
        """Forbid every frame: another site must not get the user to press the button."""
        super().set_default_headers()
        self.set_header(
            "Content-Security-Policy",
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'self';"
            " frame-ancestors 'none'; base-uri 'none'",
        )
        self.set_header("X-Frame-Options", "DENY")
        self.set_header("Referrer-Policy", "same-origin")
        self.set_header("Cache-Control", "no-store")

    @web.authenticated
    async def get(self) -> None:
        """Ask, or fetch at once what the user has agreed to before."""
        link = self._link()
        if link is None:
            return
        if _is_known(self._home, link):
            await self._bring(link)
            return
        question = _QUESTION.format(
            repository=escape(link.repository),
            branch=escape(link.branch or "the default branch"),
            target=escape("/".join(link.target)),
            xsrf=self.xsrf_form_html(),
            lab=escape(url_path_join(self.base_url, "lab")),
        )
        self.finish(_PAGE.format(title="Fetch course material?", body=question))

    @web.authenticated
    async def post(self) -> None:
        """Fetch, merge and open the page that the link names."""
        link = self._link()
        if link is not None:
            await self._bring(link)

    def _link(self) -> Link | None:
        names = self.request.query_arguments
        try:
            return read_link({name: self.get_query_argument(name) for name in names})
        except LinkError as error:
            self._refuse(400, str(error))
            return None

    async def _bring(self, link: Link) -> None:
        try:
            merged, left_out = await asyncio.to_thread(_bring, self._home, link)
        except FetchError as error:
            self._refuse(502, str(error))
        except BusyError:
            self._refuse(409, "Another fetch is still running. Reload this page in a minute.")
        except OSError as error:
            self._refuse(507 if error.errno in NO_SPACE else 409, _why(error))
        else:
            self._report(link, merged, left_out)
            self.redirect(url_path_join(self.base_url, link.page), status=303)

    def _report(self, link: Link, merged: Merged, left_out: list[str]) -> None:
        folder = "/".join(link.target)
        self._notices.withdraw("course")
        details = [
            f"{words}: {_some(names)}."
            for words, names in (
                ("New versions beside files that you changed", merged.beside),
                ("Could not be written", merged.failed),
                ("Left out, because they are links or have names that are not allowed", left_out),
            )
            if names
        ]
        if details:
            text = f"The course material in {folder} needs a look."
            self._notices.add(
                "course", "warning" if merged.failed else "info", text, details=" ".join(details)
            )

    def _refuse(self, status: int, why: str) -> None:
        self.set_status(status)
        lab = escape(url_path_join(self.base_url, "lab"))
        body = _TROUBLE.format(why=escape(why), lab=lab)
        self.finish(_PAGE.format(title="The course material was not fetched", body=body))


def _bring(home: Path, link: Link) -> tuple[Merged, list[str]]:
    with locked(home), fetched(link.repository, link.branch, folder_of(home)) as repository:
        files = [
            (file.parts, lambda file=file: repository.content(file)) for file in repository.files
        ]
        return merge(home, link.repository, link.target, files), repository.left_out


def _is_known(home: Path, link: Link) -> bool:
    prefix = "/".join((*link.target, ""))
    return any(
        path.startswith(prefix) for path in Record.load(home).courses.get(link.repository, ())
    )


def _why(error: OSError) -> str:
    if error.errno in NO_SPACE:
        return (
            "Your home is full. Delete files that you no longer need and open the link again;"
            " nothing of yours was changed."
        )
    return f"The target folder cannot be used ({error.strerror}); rename what is in its place."


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def open_courses(app: ServerApp, notices: Notices, home: Path) -> None:
    """Add the page to a server, at the address that nbgitpuller's links name.

    Parameters
    ----------
    app
        The server.
    notices
        Where the user sees what was not simply written.
    home
        The user's home.
    """
    address = url_path_join(app.web_app.settings["base_url"], "git-pull")
    options = {"home": home, "notices": notices}
    app.web_app.add_handlers(".*$", [(address, CourseHandler, options)])
