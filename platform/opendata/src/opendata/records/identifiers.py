"""Identifiers of people, organisations and funders, checked by their own check digits.

A wrong character, or two swapped ones, are detected and refused: an identifier of someone else is
worse than none.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

#: Crockford's base 32, without the letters that look like digits, as the digits of ``int(_, 32)``.
_CROCKFORD = str.maketrans("0123456789abcdefghjkmnpqrstvwxyz", "0123456789abcdefghijklmnopqrstuv")
_ROR = re.compile(r"(?:https?://)?(?:www\.)?(?:ror\.org/)?(0[0-9a-hjkmnp-tv-z]{6}[0-9]{2})/?", re.I)
_FUNDER = re.compile(
    r"(?:https?://(?:dx\.)?doi\.org/|doi:)?(10\.13039/[0-9]{6,15})/?", re.IGNORECASE
)


def orcid(text: str) -> str:
    """Returns an ORCID iD as ``0000-0002-1825-0097``, from its address or its digits.

    The last character is a check digit by ISO/IEC 7064 MOD 11-2, and the number lies in the
    ranges that ISNI assigned to ORCID.

    Raises
    ------
    ValueError
        If it is not one.
    """
    bare = re.sub(r"^(https?://)?(www\.)?orcid\.org/", "", text.strip(), flags=re.I).strip("/")
    digits = re.sub(r"[\s\-\u2010-\u2015]", "", bare).upper()
    if not re.fullmatch(r"[0-9]{15}[0-9X]", digits):
        raise ValueError(f"{text!r} is not an ORCID iD such as 0000-0002-1825-0097")
    # Not at the top: a large regular expression makes its import a quarter of every command's.
    import idutils

    found = "-".join(digits[start : start + 4] for start in range(0, 16, 4))
    if not idutils.is_orcid(found):
        raise ValueError(
            f"{text!r} is not an ORCID iD: its check digit is wrong; check for typing errors"
        )
    return found


def ror(text: str) -> str:
    """Returns a ROR identifier as the address that ROR itself writes, ``https://ror.org/...``.

    Its last two digits are a checksum by ISO/IEC 7064 MOD 97-10 over the number that the six
    characters before them stand for in Crockford's base 32.

    Raises
    ------
    ValueError
        If it is not one.
    """
    match = _ROR.fullmatch(text.strip())
    if not match:
        raise ValueError(f"{text!r} is not a ROR identifier such as https://ror.org/05dxps055")
    name = match[1].lower()
    number = int(name[:7].translate(_CROCKFORD), 32)
    if 98 - number * 100 % 97 != int(name[7:]):
        raise ValueError(
            f"{text!r} is not a ROR identifier: its checksum is wrong; check for typing errors"
        )
    return f"https://ror.org/{name}"


def funder(text: str) -> str:
    """Returns the identifier of a funder: of ROR, or of the Crossref Funder Registry.

    Raises
    ------
    ValueError
        If it is neither.
    """
    if match := _FUNDER.fullmatch(text.strip()):
        return f"https://doi.org/{match[1]}"
    if "13039" in text or not _ROR.fullmatch(text.strip()):
        raise ValueError(
            f"{text!r} is neither a ROR identifier such as https://ror.org/05dxps055 nor one of "
            "the Crossref Funder Registry such as 10.13039/501100000780"
        )
    return ror(text)


Orcid = Annotated[str, AfterValidator(orcid)]
Ror = Annotated[str, AfterValidator(ror)]
FunderIdentifier = Annotated[str, AfterValidator(funder)]
