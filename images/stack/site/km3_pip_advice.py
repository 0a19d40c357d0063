"""What pip says where it may not replace a package of the stack: with the way out.

`km3_pip_advice.pth` loads this where the program is pip, however it was called: as `pip`, as
`python -m pip`, or from a notebook.
"""

import logging
import shlex
import sys
from typing import Any

#: How pip begins its refusal to put another version into ~/.local.
_REFUSAL = "Will not install to the user site because it will lack sys.path precedence"
_ADVICE = """
The environment keeps its version, so that published analyses go on giving the same numbers.
For another one, make an environment of your own on top of it, with a kernel:

    python -m venv --system-site-packages ~/mine && ~/mine/bin/pip install {wanted}
    ~/mine/bin/python -m ipykernel install --user --name mine

Then reload the page of JupyterLab and choose the kernel "mine"."""


def _wanted() -> str:
    """What was asked for, as the command line of another pip."""
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
