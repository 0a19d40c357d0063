"""Reading an alert in either format from a file or from bytes."""

from __future__ import annotations

from os import PathLike

from openkm3.alerts.alert import Alert
from openkm3.alerts.documents import content_of
from openkm3.alerts.errors import AlertError


def read(source: bytes | str | PathLike[str], *, check: bool = True) -> Alert:
    """Return the alert of a GCN notice (JSON) or of a VOEvent (XML).

    Parameters
    ----------
    source : path or bytes
        The file, or its content. The first character shows the format.
    check : bool
        Whether to refuse values that the schema allows but that are impossible, such as a
        declination of 120 deg.

    Raises
    ------
    AlertError
        If it is not an alert; ``problems`` names every wrong value.
    FileNotFoundError, PermissionError
        If the file cannot be read.
    """
    content, name = content_of(source)
    try:
        if content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<":
            alert = Alert.from_voevent(content)
        else:
            alert = Alert.from_json(content)
        problems = alert.problems() if check else []
    except AlertError as error:
        raise error.of(name) from None
    if problems:
        raise AlertError(problems, name)
    return alert
