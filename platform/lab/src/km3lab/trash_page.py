"""The page of deleted files."""

from __future__ import annotations

import asyncio
import os
from html import escape

from jupyter_server.base.handlers import JupyterHandler
from tornado import web

from km3lab.home import amount
from km3lab.trash import DAYS, Trash, TrashError

__all__ = ["TrashHandler"]

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Deleted files</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<style>body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 56rem; margin: 3rem auto;
padding: 0 1.5rem }} table {{ border-collapse: collapse; width: 100% }} td, th {{ text-align: left;
padding: .4rem .8rem .4rem 0; border-bottom: 1px solid #8886; overflow-wrap: anywhere }}
td:last-child {{ text-align: right }} button {{ font: inherit; padding: .2rem .8rem }}</style>
</head><body><h1>Deleted files</h1>
<p role="status">{message}</p>
{content}
<p>Files deleted in JupyterLab are kept for {days} days, up to {largest} in total; they count in
your home's quota. Files that were deleted in a terminal or while your home was nearly full are not
kept. Restoring never overwrites a file.</p>
<p><a href="{lab}">Go to JupyterLab</a></p></body></html>
"""
_TABLE = """<table><thead><tr><th scope="col">File or folder</th><th scope="col">Deleted</th>
<th></th></tr></thead><tbody>{rows}</tbody></table>
<form method="post">{xsrf}<p><button name="empty" value="yes">Delete all of them for good</button>
</p></form>"""
_ROW = """<tr><td>{path}</td><td>{when}</td><td><form method="post">{xsrf}
<button name="restore" value="{name}" aria-label="Restore {path}">Restore</button>
</form></td></tr>"""


class TrashHandler(JupyterHandler):
    """`GET`: what can be restored; `POST`: restore one, or remove all."""

    def initialize(self, trash: Trash) -> None:
        """Keep the trash."""
        self._trash = trash

    @web.authenticated
    async def get(self) -> None:
        """Show the page."""
        await self._show("")

    @web.authenticated
    async def post(self) -> None:
        """Do what a button says."""
        if self.get_body_argument("empty", ""):
            await asyncio.to_thread(self._trash.tidy, everything=True)
            await self._show("The deleted files are gone for good.")
            return
        name = self.get_body_argument("restore", "", strip=False)
        # The names of homes need not be valid Unicode.
        known = {_readable(one.name): one.name for one in self._trash.listing()}
        try:
            path = await asyncio.to_thread(self._trash.restore, known.get(name, name))
            message = f"Restored: {_readable(path)}"
        except TrashError as error:
            self.set_status(409)
            message = _readable(str(error))
        await self._show(message)

    async def _show(self, message: str) -> None:
        found = await asyncio.to_thread(self._trash.listing)
        xsrf = self.xsrf_form_html()
        rows = "".join(
            _ROW.format(
                path=escape(_readable(one.path)),
                when=f"{one.when:%Y-%m-%d %H:%M}",
                name=escape(_readable(one.name)),
                xsrf=xsrf,
            )
            for one in found
        )
        content = _TABLE.format(rows=rows, xsrf=xsrf) if rows else "<p>There are none.</p>"
        self.set_header("Cache-Control", "no-store")
        largest = amount(self._trash.largest)
        lab = escape(f"{self.base_url}lab")
        self.finish(
            _PAGE.format(
                message=escape(message), content=content, days=DAYS, largest=largest, lab=lab
            )
        )


def _readable(name: str) -> str:
    return os.fsencode(name).decode("utf-8", "replace")
