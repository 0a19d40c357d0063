"""Strict reading of VOTables by astropy: no cell becomes a value other than the one written."""

from __future__ import annotations

import io
import re
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from astropy.io.votable.tree import VOTableFile

# Since VOTable 1.3 an empty cell of an integer column is a missing value; astropy reads it as 0 in
# documents that declare an older version.
_OLD = re.compile(rb"(<(?:\w+:)?VOTABLE\b[^>]*?\sversion\s*=\s*[\"']v?)1\.[0-2](?=[\"'])", re.I)
# IRSA writes null for a missing real number.
_NOT_A_NUMBER = r".*Invalid literal for float '(?!null')"


def parsed_document(content: bytes) -> VOTableFile:
    """Returns the document.

    Raises
    ------
    ValueError
        The document cannot be parsed, or a cell does not fit its column: text where a number
        belongs, an integer out of range, a text longer than its column, an array of the wrong
        length. astropy would store another value, or none, and go on.
    RecursionError
        The document is nested too deeply.
    """
    from astropy.io.votable import exceptions, parse

    changing = (exceptions.W46, exceptions.W51, exceptions.E02, RuntimeWarning)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for category in changing:
                warnings.simplefilter("error", category)
            warnings.filterwarnings("error", _NOT_A_NUMBER, exceptions.W30)
            return parse(
                io.BytesIO(_OLD.sub(rb"\g<1>1.3", content, count=1)),
                verify="warn",
                invalid="exception",
            )
    except RecursionError:
        raise
    except UnicodeDecodeError as error:
        raise ValueError(
            "a binary column of type char, which is ASCII, contains other characters "
            f"({error.object[:20]!r}); declare it as unicodeChar, or save it as TABLEDATA"
        ) from None
    # A damaged document raises IndexError, struct.error, binascii.Error and more.
    except Exception as error:
        lines = str(error).splitlines()
        raise ValueError(_reworded(lines[0]) if lines else type(error).__name__) from error


def _reworded(message: str) -> str:
    """Returns a message of astropy without its error codes."""
    plain = re.sub(r"^(?:None|\?):(\d+):(\d+): ", r"line \1, character \2: ", message)
    plain = re.sub(r"^\?:\?:\?: ", "", plain)
    plain = re.sub(r"\b(?:[WE]\d\d|ValueError|RuntimeWarning): ", "", plain)
    return plain.replace(".  Treating as empty.", "")[:300]
