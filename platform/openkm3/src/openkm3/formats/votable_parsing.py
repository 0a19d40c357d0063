"""astropy's parser of VOTables, such that no cell becomes another value than the one written."""

from __future__ import annotations

import io
import re
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from astropy.io.votable.tree import VOTableFile

# An empty cell of an integer is a missing one since VOTable 1.3; astropy makes 0 of it before.
_OLD = re.compile(rb"(<(?:\w+:)?VOTABLE\b[^>]*?\sversion\s*=\s*[\"']v?)1\.[0-2](?=[\"'])", re.I)
# IRSA writes null in place of a real number that is missing.
_NO_NUMBER = r".*Invalid literal for float '(?!null')"


class Unreadable(ValueError):
    """A document that cannot be read, or of which a cell does not fit its column."""


def parsed_document(content: bytes) -> VOTableFile:
    """Return the document.

    Raises
    ------
    Unreadable
        It cannot be parsed; or it holds what is no value of its column, where astropy would put
        another one or none in its place: a text that is no number, an integer that does not fit, a
        text longer than its column, an array with too few or too many items.
    """
    from astropy.io.votable import exceptions, parse

    changing = (exceptions.W46, exceptions.W51, exceptions.E02, RuntimeWarning)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for category in changing:
                warnings.simplefilter("error", category)
            warnings.filterwarnings("error", _NO_NUMBER, exceptions.W30)
            return parse(
                io.BytesIO(_OLD.sub(rb"\g<1>1.3", content, count=1)),
                verify="warn",
                invalid="exception",
            )
    except RecursionError:
        raise
    except UnicodeDecodeError as error:
        raise Unreadable(
            f"letters beyond ASCII in a binary column of type char ({error.object[:20]!r}), which "
            "is ASCII there: save it as TABLEDATA or with unicodeChar"
        ) from None
    # Damaged documents raise anything here: IndexError, struct.error, binascii.Error ...
    except Exception as error:
        lines = str(error).splitlines()
        raise Unreadable(_reworded(lines[0]) if lines else type(error).__name__) from error


def _reworded(message: str) -> str:
    """Return a message of astropy without its own codes, and without what it says it would do."""
    plain = re.sub(r"^(?:None|\?):(\d+):(\d+): ", r"line \1, character \2: ", message)
    plain = re.sub(r"^\?:\?:\?: ", "", plain)
    plain = re.sub(r"\b(?:[WE]\d\d|ValueError|RuntimeWarning): ", "", plain)
    return plain.replace(".  Treating as empty.", "")[:300]
