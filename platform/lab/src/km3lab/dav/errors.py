"""What a request cannot have, as a status and a sentence for the person at the other end."""

from __future__ import annotations

import errno

__all__ = ["DavError", "of_system"]

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
_NOT_FOUND = (errno.ENOENT, errno.ENOTDIR, errno.ESTALE)


class DavError(Exception):
    """A request that is refused.

    Parameters
    ----------
    status
        The status of HTTP.
    sentence
        What happened and what to do, one sentence.
    condition
        The condition of RFC 4918, section 16, such as `lock-token-submitted`.
    """

    def __init__(self, status: int, sentence: str, *, condition: str = "") -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.condition = condition


def of_system(error: OSError) -> DavError:
    """Returns how the answer describes an error of the operating system."""
    if error.errno in _NO_SPACE:
        return DavError(
            507, "Your home is full; delete files that you do not need, then try again."
        )
    if error.errno in _NOT_FOUND:
        return DavError(404, "There is no file or folder of this name.")
    if error.errno == errno.ENAMETOOLONG:
        return DavError(400, "This name is too long for a file of your home; choose a shorter one.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return DavError(403, "The permissions of this file or folder do not allow this.")
    reason = (error.strerror or type(error).__name__).lower()
    return DavError(500, f"The file system of your home reported an error: {reason}.")
