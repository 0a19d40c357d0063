"""Messages and tables as the published notebooks show them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

#: The published library logs through the root logger ("INFO:root:..."), so this one does too.
log = logging.getLogger()


def show_messages() -> None:
    """Make messages visible if logging is not configured yet, as in a notebook.

    The logging of a program that configured its own is left alone.
    """
    if not log.handlers:
        logging.basicConfig(level=logging.INFO)
        for chatty in ("httpx", "httpcore", "matplotlib", "numexpr"):
            logging.getLogger(chatty).setLevel(logging.WARNING)


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table in the format of KM3NeT's published notebooks."""
    lines = [_line(columns), _line(["-" * len(column) for column in columns])]
    lines += [_line([_cell(value) for value in row]) for row in rows]
    return "".join(lines)


def display_markdown(text: str) -> None:
    """Display Markdown: rendered in a notebook, as plain text elsewhere."""
    try:
        from IPython import get_ipython
        from IPython.display import Markdown, display
    except ImportError:
        print(text)
        return
    shell = get_ipython()
    # IPython in a terminal does not render Markdown; it would print the object's repr.
    if shell is None or type(shell).__name__ == "TerminalInteractiveShell":
        print(text)
    else:
        display(Markdown(text))  # type: ignore[no-untyped-call]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} | \n"


def _cell(value: object) -> str:
    if isinstance(value, (tuple, list)):
        value = list(value)
    text = "" if value is None else str(value)
    return " ".join(text.split()).replace("|", "\\|")
