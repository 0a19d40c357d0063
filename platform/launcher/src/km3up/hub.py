"""What the launcher asks of the hub's own program, `km3hub`: by a process, with JSON in and out.

The launcher imports nothing of the hub: in containers the hub has another version, or is on
another Python, than the checkout's.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from km3settings.state import State
from km3up.command import attempt, last_lines
from km3up.failure import Failure
from km3up.first_login import first_accounts

__all__ = ["HubProgram", "still_as_started"]

#: Exit code of a program that does not know an option or a command.
_UNKNOWN = 2


@dataclass(frozen=True, kw_only=True)
class HubProgram:
    """The program `km3hub`, wherever it runs.

    Parameters
    ----------
    command
        How it is started, e.g. `docker exec -i km3net-hub km3hub`.
    environment
        Its environment; None: this process's own.
    """

    command: Sequence[str]
    environment: Mapping[str, str] | None = None

    def make_first_accounts(self, state: State) -> bool:
        """Make the accounts of the first start; True where there were none before.

        Raises
        ------
        Failure
            Where they cannot be made.
        """
        listed = self._run("accounts", "list", "--json")
        if listed.returncode == _UNKNOWN and state.first_login.exists():
            return False  # a hub that is older than this option, and has its accounts
        if self._answer(listed, "The accounts could not be listed"):
            return False
        for account in first_accounts(state):
            options = ["--admin"] if account.admin else []
            added = self._run(
                "accounts", "add", account.name, "--password-stdin", *options,
                words=account.password + "\n",
            )  # fmt: skip
            self._require(added, "The first accounts could not be made")
        return True

    def keep_secret(self, secret: str) -> None:
        """Give the hub the client secret of the login.

        Raises
        ------
        Failure
            Where it cannot keep it.
        """
        problem = "The client secret could not be given to the hub"
        self._require(self._run("keep-secret", words=secret), problem)

    def await_servers(self, seconds: float) -> tuple[int, int]:
        """Wait until the proxy leads to each user's server that the hub knows.

        Returns
        -------
        int, int
            How many servers run, and how many of these cannot be reached yet.
        """
        done = self._run("await-servers", "--seconds", str(seconds))
        if done.returncode:
            # A hub that is older than this command settles without anybody watching.
            return 0, 0
        found = json.loads(done.stdout)
        return int(found["running"]), int(found["unreached"])

    def rehearse(self) -> None:
        """Read the hub's configuration, before a hub that works is stopped for it.

        Raises
        ------
        Failure
            Where it cannot be read; whatever runs goes on as before.
        """
        done = self._run("rehearse")
        if done.returncode:
            raise Failure(
                "A hub with these settings and this code would not start; nothing was changed, and"
                " what runs goes on as before. It said:\n  " + "\n  ".join(last_lines(done.stderr))
            )

    def _run(self, *arguments: str, words: str = "") -> subprocess.CompletedProcess[str]:
        """Run it; a password goes by its standard input."""
        return attempt([*self.command, *arguments], environment=self.environment, words=words)

    def _require(self, done: subprocess.CompletedProcess[str], problem: str) -> None:
        if done.returncode:
            reason = (done.stderr or done.stdout).strip()
            raise Failure(f"{problem}: {reason}")

    def _answer(self, done: subprocess.CompletedProcess[str], problem: str) -> Any:
        self._require(done, problem)
        try:
            return json.loads(done.stdout)
        except ValueError:
            raise Failure(f"{problem}: the hub answered {done.stdout[:200]!r}") from None


def still_as_started(servers: int) -> str:
    """What to know of users' servers that are older than the settings, as a sentence."""
    whose = "1 user's server goes" if servers == 1 else f"{servers} users' servers go"
    return (
        f"{whose} on with the settings and code of its start; what is new for servers (sizes,"
        " environments, addresses, Lab) comes with the next start of each"
    )
