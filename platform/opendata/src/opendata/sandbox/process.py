"""The process in which a function runs; started by :func:`opendata.sandbox.run`.

It reads one request as JSON from standard input and writes one answer as JSON to standard output:
`{"result": ...}`, `{"rejected": "reason"}` or `{"memory": true}`. Whatever else ends it is a crash.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from typing import Any

from .errors import Rejected
from .limits import Limits


def _answer(request: dict[str, Any]) -> str:
    module, _, name = request["function"].partition(":")
    function = getattr(import_module(module), name)
    # Libraries are loaded first: the limits are for the file, not for them.
    for needed in request["preload"]:
        import_module(needed)
    limits = Limits(**request["limits"])
    limits.apply()
    try:
        text = json.dumps({"result": function(*request["arguments"])}, allow_nan=False)
    except Rejected as error:
        if _lacked_memory(error):
            return json.dumps({"memory": True})
        return json.dumps({"rejected": str(error)})
    except MemoryError:
        return json.dumps({"memory": True})
    if len(text) > limits.answer:
        problem = f"its description has {len(text)} bytes, more than the limit of {limits.answer}"
        return json.dumps({"rejected": problem})
    return text


def _lacked_memory(error: BaseException | None) -> bool:
    """Returns whether an error follows from one of memory, which readers take for a bad file."""
    while error is not None:
        if isinstance(error, MemoryError):
            return True
        error = error.__cause__ or error.__context__
    return False


def main() -> None:
    """Run the function that standard input names."""
    # Libraries may print: only this process's answer goes to the real standard output.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    with answers:
        answers.write(_answer(json.load(sys.stdin)))


if __name__ == "__main__":
    main()
