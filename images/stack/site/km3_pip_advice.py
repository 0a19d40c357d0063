"""Adds to pip's refusal to replace a package of the stack what the user can do instead.

`km3_pip_advice.pth` loads this when the program is pip, whether it was started as `pip`, as
`python -m pip`, or from a notebook.
"""

import logging
import shlex
import sys
from typing import Any

#: The start of pip's message when it refuses to install another version in ~/.local.
_REFUSAL = "Will not install to the user site because it will lack sys.path precedence"
_ADVICE = """
The stack keeps its versions, so that published analyses keep giving the same numbers. To use
another version, create your own environment on top of the stack, with its own kernel:

    python -m venv --system-site-packages ~/mine && ~/mine/bin/pip install {wanted}
    ~/mine/bin/python -m ipykernel install --user --name mine

Then reload JupyterLab in the browser and choose the kernel "mine"."""


def _wanted() -> str:
    """Return the requested packages and options, as arguments for another pip."""
    words = sys.argv[1:]
    after = words[words.index("install") + 1 :] if "install" in words else []
    return shlex.join(word for word in after if word != "--user") or "PACKAGE"


_make = logging.getLogRecordFactory()


def _with_advice(*arguments: Any, **options: Any) -> logging.LogRecord:
    record = _make(*arguments, **options)
    if record.levelno >= logging.ERROR and _REFUSAL in str(record.msg):
        record.msg = f"{record.getMessage()}\n{_ADVICE.format(wanted=_wanted())}"
        record.args = ()
    return record


logging.setLogRecordFactory(_with_advice)
