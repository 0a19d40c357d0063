"""The XML of WebDAV: what programs ask, and the answers."""

from __future__ import annotations

import mimetypes
import os
import re
from collections.abc import Callable, Iterable, Sequence
from email.utils import formatdate
from time import gmtime, strftime
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from km3lab.dav.errors import DavError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from km3lab.dav.locks import Lock
    from km3lab.dav.tree import Entry

__all__ = [
    "HEAD",
    "TAIL",
    "content_type",
    "error",
    "lock_answer",
    "lock_request",
    "patch_answer",
    "patch_request",
    "properties",
    "wanted",
]

HEAD = '<?xml version="1.0" encoding="utf-8"?>\n<D:multistatus xmlns:D="DAV:">\n'
TAIL = "</D:multistatus>\n"

#: Properties that every file or folder may have, in the order of answers.
_LIVE = (
    "resourcetype",
    "displayname",
    "getlastmodified",
    "creationdate",
    "getcontentlength",
    "getcontenttype",
    "getetag",
    "supportedlock",
    "lockdiscovery",
)
_SUPPORTED = "".join(
    f"<D:lockentry><D:lockscope><D:{scope}/></D:lockscope><D:locktype><D:write/></D:locktype>"
    "</D:lockentry>"
    for scope in ("exclusive", "shared")
)
#: Characters that XML 1.0 does not have.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

#: Properties by namespace and name, as `{namespace}name`.
Names = Sequence[str]


def _parsed(body: bytes) -> Element:
    try:
        found: Element = fromstring(body, forbid_dtd=True)
    except (DefusedXmlException, SyntaxError, ValueError, LookupError):
        raise DavError(400, "The body of the request is not valid XML.") from None
    return found


def wanted(body: bytes) -> tuple[Names, bool]:
    """Returns the properties that a PROPFIND asks for, and whether only for their names.

    Raises
    ------
    DavError
        400 where the body cannot be understood.
    """
    usual = [f"{{DAV:}}{name}" for name in _LIVE]
    if not body.strip():
        return usual, False
    root = _parsed(body)
    if root.tag == "{DAV:}propfind":
        for part in root:
            if part.tag == "{DAV:}prop":
                return [str(child.tag) for child in part][:200], False
            if part.tag in ("{DAV:}allprop", "{DAV:}propname"):
                return usual, part.tag == "{DAV:}propname"
    raise DavError(400, "The request does not say which properties it asks for.")


def patch_request(body: bytes) -> list[tuple[str, str | None]]:
    """Returns the properties that a PROPPATCH sets, with their text; None: removed.

    Raises
    ------
    DavError
        400 where the body cannot be understood.
    """
    root = _parsed(body)
    if root.tag != "{DAV:}propertyupdate":
        raise DavError(400, "The request does not say which properties it changes.")
    found: list[tuple[str, str | None]] = []
    for part in root:
        for prop in part.findall("{DAV:}prop"):
            found += [
                (str(child.tag), (child.text or "") if part.tag == "{DAV:}set" else None)
                for child in prop
            ]
    return found[:200]


def lock_request(body: bytes) -> tuple[bool, str]:
    """Returns whether a LOCK is exclusive, and its owner as XML.

    Raises
    ------
    DavError
        400 where the body cannot be understood.
    """
    root = _parsed(body)
    scope = root.find("{DAV:}lockscope")
    if root.tag != "{DAV:}lockinfo" or scope is None or root.find("{DAV:}locktype") is None:
        raise DavError(400, "The request does not say what kind of lock it asks for.")
    owner = root.find("{DAV:}owner")
    text = "" if owner is None else " ".join("".join(owner.itertext()).split())[:500]
    link = None if owner is None else owner.find("{DAV:}href")
    inner = escape(text) if link is None else f"<D:href>{escape(text)}</D:href>"
    return scope.find("{DAV:}exclusive") is not None, inner


def _lock(lock: Lock, root: str) -> str:
    scope = "exclusive" if lock.exclusive else "shared"
    owner = f"<D:owner>{lock.owner}</D:owner>" if lock.owner else ""
    return (
        f"<D:activelock><D:locktype><D:write/></D:locktype><D:lockscope><D:{scope}/></D:lockscope>"
        f"<D:depth>{'infinity' if lock.deep else '0'}</D:depth>{owner}"
        f"<D:timeout>Second-{int(lock.seconds)}</D:timeout>"
        f"<D:locktoken><D:href>{lock.token}</D:href></D:locktoken>"
        f"<D:lockroot><D:href>{escape(root)}</D:href></D:lockroot></D:activelock>"
    )


def lock_answer(lock: Lock, root: str) -> str:
    """Returns the answer to a LOCK of the address `root`."""
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<D:prop xmlns:D="DAV:"><D:lockdiscovery>'
        f"{_lock(lock, root)}</D:lockdiscovery></D:prop>\n"
    )


def error(condition: str, address: str) -> str:
    """Returns the body that names a condition of RFC 4918, section 16."""
    inner = f"<D:href>{escape(address)}</D:href>" if condition == "lock-token-submitted" else ""
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<D:error xmlns:D="DAV:"><D:{condition}>{inner}</D:{condition}></D:error>\n'
    )


def content_type(entry: Entry) -> str:
    """Returns the media type that the name of a file suggests."""
    return mimetypes.guess_type(entry.path.name)[0] or "application/octet-stream"


def _value(name: str, entry: Entry, address: str, locks: Iterable[Lock]) -> str | None:
    """Returns the inner XML of a property; None where this entry does not have it."""
    found = entry.stat
    of_all: dict[str, Callable[[], str]] = {
        "resourcetype": lambda: "<D:collection/>" if entry.folder else "",
        "displayname": lambda: _text(entry.where[-1] if entry.where else "home"),
        "getlastmodified": lambda: formatdate(found.st_mtime, usegmt=True),
        "creationdate": lambda: strftime("%Y-%m-%dT%H:%M:%SZ", gmtime(found.st_ctime)),
        "getetag": lambda: entry.etag,
        "supportedlock": lambda: _SUPPORTED,
        "lockdiscovery": lambda: "".join(_lock(lock, address) for lock in locks),
    }
    of_files: dict[str, Callable[[], str]] = {
        "getcontentlength": lambda: str(found.st_size),
        "getcontenttype": lambda: content_type(entry),
    }
    of_folders: dict[str, Callable[[], str]] = {
        "quota-available-bytes": lambda: str(_disk(entry)[0]),
        "quota-used-bytes": lambda: str(_disk(entry)[1]),
    }
    value = (of_all | (of_folders if entry.folder else of_files)).get(name)
    return value() if value else None


def _text(name: str) -> str:
    return escape(_NOT_XML.sub("\ufffd", name))


def _disk(entry: Entry) -> tuple[int, int]:
    """Returns the free and the used bytes of the file system."""
    disk = os.statvfs(entry.path)
    return disk.f_frsize * disk.f_bavail, disk.f_frsize * (disk.f_blocks - disk.f_bfree)


def _empty(tag: str) -> str:
    """Returns an element without content, in its own namespace."""
    space, _, name = tag[1:].rpartition("}") if tag.startswith("{") else ("", "", tag)
    if space == "DAV:":
        return f"<D:{name}/>"
    value = escape(space, {'"': "&quot;"})
    return f'<x:{name} xmlns:x="{value}"/>' if space else f'<{name} xmlns=""/>'


def properties(
    entry: Entry, address: str, names: Names, *, only_names: bool, locks: Iterable[Lock]
) -> str:
    """Returns the `response` element of a file or folder."""
    known, unknown = [], []
    for tag in names:
        name = tag.removeprefix("{DAV:}")
        value = _value(name, entry, address, locks) if tag.startswith("{DAV:}") else None
        if value is None:
            unknown.append(_empty(tag))
        else:
            known.append(f"<D:{name}/>" if only_names else f"<D:{name}>{value}</D:{name}>")
    asked_all = [f"{{DAV:}}{name}" for name in _LIVE] == list(names)
    parts = [_status(known, "200 OK")] if known or not unknown else []
    if unknown and not asked_all:
        parts.append(_status(unknown, "404 Not Found"))
    return f"<D:response><D:href>{escape(address)}</D:href>{''.join(parts)}</D:response>\n"


def _status(props: Iterable[str], status: str) -> str:
    return (
        f"<D:propstat><D:prop>{''.join(props)}</D:prop>"
        f"<D:status>HTTP/1.1 {status}</D:status></D:propstat>"
    )


def patch_answer(address: str, names: Names, *, done: bool) -> str:
    """Returns the answer to a PROPPATCH, all of which was done or refused."""
    status = "200 OK" if done else "403 Forbidden"
    inner = _status(map(_empty, names), status)
    return f"{HEAD}<D:response><D:href>{escape(address)}</D:href>{inner}</D:response>\n{TAIL}"
