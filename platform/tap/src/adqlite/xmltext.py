"""What all XML documents of the services have in common."""

from __future__ import annotations

import re
from typing import Any

from lxml import etree

XSI = "http://www.w3.org/2001/XMLSchema-instance"
#: Characters that XML 1.0 cannot represent (https://www.w3.org/TR/xml/#charsets).
NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def clean(text: str) -> str:
    """Returns text with U+FFFD in place of characters that XML cannot represent."""
    return NOT_XML.sub("\ufffd", text)


def document(root: Any) -> bytes:
    """Returns an element with all that is in it as an XML document in UTF-8."""
    content: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return content
