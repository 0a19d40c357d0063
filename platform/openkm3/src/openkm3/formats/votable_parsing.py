"""astropy's VOTable parser, made strict: no cell silently becomes another value."""

from __future__ import annotations

import io
import re
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from astropy.io.votable.tree import VOTableFile

# Since VOTable 1.3 an empty integer cell is missing; in older versions astropy reads it as 0.
_OLD = re.compile(rb"(<(?:\w+:)?VOTABLE\b[^>]*?\sversion\s*=\s*[\"']v?)1\.[0-2](?=[\"'])", re.I)
# IRSA writes null for a missing floating-point number.
_NO_NUMBER = r".*Invalid literal for float '(?!null')"


class Unreadable(ValueError):
    """A document cannot be parsed, or a cell does not fit its column."""


def parsed_document(content: bytes) -> VOTableFile:
    """Return the document.

    Raises
    ------
    Unreadable
        If it cannot be parsed, or a cell is not a value of its column and astropy would replace or
        drop it: a text that is not a number, an integer that does not fit, a text longer than its
        column, an array with too few or too many elements.
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
            f"a binary column of type char, which is ASCII, has other characters "
            f"({error.object[:20]!r}): save it as TABLEDATA or with unicodeChar"
        ) from None
    # Damaged documents raise anything here: IndexError, struct.error, binascii.Error ...
    except Exception as error:
        lines = str(error).splitlines()
        raise Unreadable(_reworded(lines[0]) if lines else type(error).__name__) from error


def _reworded(message: str) -> str:
    """Return a message of astropy without its codes and without what astropy would do next."""
    plain = re.sub(r"^(?:None|\?):(\d+):(\d+): ", r"line \1, character \2: ", message)
    plain = re.sub(r"^\?:\?:\?: ", "", plain)
    plain = re.sub(r"\b(?:[WE]\d\d|ValueError|RuntimeWarning): ", "", plain)
    return plain.replace(".  Treating as empty.", "")[:300]
