"""Safe parsing of XML from untrusted sources."""

from __future__ import annotations

from openkm3.alerts.errors import AlertError
from openkm3.errors import MissingPackage

try:
    from lxml import etree
except ImportError:
    raise MissingPackage("VOEvent", "alerts") from None

__all__ = [
    "NAMESPACE",
    "child",
    "children",
    "etree",
    "local_name",
    "parsed",
    "path_of",
    "text",
]

NAMESPACE = "http://www.ivoa.net/xml/VOEvent/v2.0"


def parsed(content: bytes) -> etree._Element:
    """Return the root of an XML document.

    Nothing is fetched and no entity is expanded. Document types, which declare entities and entity
    bombs, are refused, since VOEvents do not need them.

    Raises
    ------
    AlertError
        If the bytes are not XML, or have a document type.
    """
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        # libxml2 reports an entity bomb as a syntax error too.
        raise AlertError.single(f"is not valid XML: {error.msg}") from None
    document = root.getroottree().docinfo
    if document.doctype or document.internalDTD is not None or document.externalDTD is not None:
        msg = "has a DOCTYPE, which is not allowed in a VOEvent"
        raise AlertError.single(msg)
    return root


def local_name(element: etree._Element) -> str:
    """Return the name of an element without its namespace."""
    return str(etree.QName(element).localname)


def child(element: etree._Element | None, *path: str) -> etree._Element | None:
    """Return the first element on a path of names, in any namespace."""
    for name in path:
        if element is None:
            return None
        element = next((found for found in element if local_name(found) == name), None)
    return element


def children(element: etree._Element | None, name: str) -> list[etree._Element]:
    """Return the children with a name, in any namespace."""
    return [] if element is None else [found for found in element if local_name(found) == name]


def text(element: etree._Element | None) -> str | None:
    """Return the text of an element without surrounding white space, None if it is empty."""
    if element is None or element.text is None:
        return None
    return element.text.strip() or None


def path_of(element: etree._Element) -> str:
    """Return the path of an element for messages: ``/VOEvent/What/Param[2]``."""
    parts: list[str] = []
    current: etree._Element | None = element
    while current is not None:
        name, parent = local_name(current), current.getparent()
        same = children(parent, name)
        parts.append(f"{name}[{same.index(current) + 1}]" if len(same) > 1 else name)
        current = parent
    return "/" + "/".join(reversed(parts))
