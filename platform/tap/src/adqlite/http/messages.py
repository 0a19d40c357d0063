"""Requests and responses, independent of the web framework."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import IO
from urllib.parse import quote

VOTABLE = "application/x-votable+xml"
XML = "text/xml; charset=utf-8"
HTML = "text/html; charset=utf-8"
XHTML = "application/xhtml+xml; charset=utf-8"
TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True)
class Form:
    """The body of a POST request.

    Attributes
    ----------
    fields : iterable of (str, str)
        Names and values, in the order sent.
    files : mapping of str to binary file
        Uploaded files by the name of their part.
    """

    fields: Iterable[tuple[str, str]] = ()
    files: Mapping[str, IO[bytes]] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """One request.

    Attributes
    ----------
    method : str
    base : str
        Public address below which the services live, without a slash at the end.
    query : iterable of (str, str)
        Parameters of the address.
    read_form : callable
        Reads the body; called once, and only by handlers that need it. It raises `VOError` if the
        body cannot be read.
    home : str
        Address of the site that contains the services; the page for people links to it.
    client : str
        Who sent it (:func:`adqlite.clients.client_of`).
    """

    method: str
    base: str
    query: Iterable[tuple[str, str]] = ()
    read_form: Callable[[], Form] = Form
    home: str = ""
    client: str = ""

    @cached_property
    def form(self) -> Form:
        """The body."""
        return self.read_form()

    @cached_property
    def parameters(self) -> dict[str, str]:
        """Parameters of address and body, with names in upper case (DALI: case is ignored).

        UPLOAD may be repeated; of other parameters the last value counts.
        """
        found: dict[str, str] = {}
        for name, value in (*self.query, *self.form.fields):
            key = name.upper()
            if key == "UPLOAD" and found.get(key):
                found[key] = f"{found[key]};{value}"
            else:
                found[key] = value
        return found

    def address(self, *path: str) -> str:
        """Returns the full address of a resource of these services."""
        return "/".join((self.base, *(quote(part, safe="~:@!$&'()*+,;=") for part in path)))


@dataclass
class Response:
    """One response.

    Attributes
    ----------
    content : bytes or binary file
        A file is sent from its beginning and closed.
    media_type : str
    status : int
    headers : dict of str
    """

    content: bytes | IO[bytes]
    media_type: str
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def see_other(location: str) -> Response:
    """Returns the redirect that UWS asks for after a change."""
    return Response(b"", TEXT, status=303, headers={"Location": location})


def text(content: str) -> Response:
    """Returns plain text."""
    return Response(content.encode(), TEXT)
