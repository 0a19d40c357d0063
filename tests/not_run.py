"""The last line of a run: how many tests were not run, why, and the command that runs them.

The reason of a skipped test names what makes it run: `make tools`, `make engine images`, `make up`.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from tests.tools import missing

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

#: Targets in the order in which they have to run; those of root first.
TARGETS = ("tools", "engine", "images", "up")
ROOT_ONLY = ("tools", "engine")
#: What each of them provides; of the tools, those that are missing are named.
PROVIDES = {"engine": "a Docker Engine", "images": "images", "up": "embedded mode"}
_MADE_BY = re.compile(r"\bmake ((?:[a-z]+ ?)+)")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write the line, if anything was skipped."""
    stats = terminalreporter.stats
    skipped = [str(report.longrepr[2]) for report in stats.get("skipped", ())]
    counted = ("passed", "failed", "error", "skipped", "xfailed", "xpassed")
    total = sum(len(stats.get(kind, ())) for kind in counted)
    if skipped:
        terminalreporter.write_line(line(skipped, total, [tool.name for tool in missing()]))


def line(reasons: Iterable[str], total: int, tools: list[str], root: bool | None = None) -> str:
    """Return the sentence about tests that were skipped for these reasons.

    Parameters
    ----------
    reasons
        One for each test that was not run.
    total
        How many tests there are.
    tools
        Names of the programs that this machine lacks.
    root
        Whether the user may install packages; by default that of this process.
    """
    reasons = list(reasons)
    wanted = {target for reason in reasons for target in _targets(reason)}
    targets = [target for target in TARGETS if target in wanted]
    fixed = sum(1 for reason in reasons if _targets(reason))
    text = f"{len(reasons)} of {total} tests were not run"
    if not targets:
        return f"{text}; the lines above say why, and what they need."
    lacking = [name for target in targets for name in _names(target, tools)]
    text += f": {_and(lacking)} {'is' if len(lacking) == 1 else 'are'} missing"
    if fixed < len(reasons):
        text += f" (for {len(reasons) - fixed} of them the lines above say what they need)"
    return f"{text}. Run them: {_command(targets, os.geteuid() == 0 if root is None else root)}"


def _targets(reason: str) -> list[str]:
    return [word for words in _MADE_BY.findall(reason) for word in words.split() if word in TARGETS]


def _names(target: str, tools: list[str]) -> list[str]:
    if target == "tools":
        return tools or ["programs"]
    return [PROVIDES[target]]


def _and(names: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _command(targets: list[str], root: bool) -> str:
    own = [target for target in targets if root or target not in ROOT_ONLY]
    steps = [] if root else [target for target in targets if target in ROOT_ONLY]
    parts = [f"sudo make {' '.join(steps)}"] if steps else []
    parts += [f"make {' '.join(own)}"] if own else []
    return " && ".join([*parts, "make test"])
