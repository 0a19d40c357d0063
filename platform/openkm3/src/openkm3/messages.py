"""Messages and tables as the published notebooks show them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

#: The published library logs through the root logger ("INFO:root:..."), so this one does too.
log = logging.getLogger()


def show_messages() -> None:
    """Make messages visible where nobody has set up logging, as in a notebook.

    A program that has its own logging keeps it untouched.
    """
    if not log.handlers:
        logging.basicConfig(level=logging.INFO)
        for chatty in ("httpx", "httpcore", "matplotlib", "numexpr"):
            logging.getLogger(chatty).setLevel(logging.WARNING)


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table in Markdown, each line as KM3NeT's notebooks show it."""
    lines = [_line(columns), _line(["-" * len(column) for column in columns])]
    lines += [_line([_cell(value) for value in row]) for row in rows]
    return "".join(lines)


def display_markdown(text: str) -> None:
    """Show Markdown rendered in a notebook, as text elsewhere."""
    try:
        from IPython import get_ipython
        from IPython.display import Markdown, display
    except ImportError:
        print(text)
        return
    shell = get_ipython()
    # IPython in a terminal cannot render Markdown and would show the object's name.
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
