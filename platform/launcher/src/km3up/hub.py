"""Requests to the hub's program `km3hub`, run as a process with JSON output.

The launcher does not import the hub: in containers the hub's version or its Python may differ from
the checkout's.
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

#: Exit code for an unknown option or command.
_UNKNOWN = 2


@dataclass(frozen=True, kw_only=True)
class HubProgram:
    """The program `km3hub`, in a container or in `.venv`.

    Parameters
    ----------
    command
        The command that runs it, e.g. `docker exec -i km3net-hub km3hub`.
    environment
        Its environment; None: this process's own.
    """

    command: Sequence[str]
    environment: Mapping[str, str] | None = None

    def make_first_accounts(self, state: State) -> bool:
        """Create the accounts of the first start; return whether that was necessary.

        Raises
        ------
        Failure
            If they cannot be created.
        """
        listed = self._run("accounts", "list", "--json")
        if listed.returncode == _UNKNOWN and state.first_login.exists():
            return False  # an older hub without this option, which has its accounts
        if self._answer(listed, "The accounts could not be listed"):
            return False
        for account in first_accounts(state):
            options = ["--admin"] if account.admin else []
            added = self._run(
                "accounts", "add", account.name, "--password-stdin", *options,
                stdin=account.password + "\n",
            )  # fmt: skip
            self._require(added, "The first accounts could not be created")
        return True

    def keep_secret(self, secret: str) -> None:
        """Give the OpenID client secret to the hub.

        Raises
        ------
        Failure
            If it cannot store the secret.
        """
        problem = "The client secret could not be given to the hub"
        self._require(self._run("keep-secret", stdin=secret), problem)

    def await_servers(self, seconds: float) -> tuple[int, int]:
        """Wait until the proxy leads to each user's server that the hub knows.

        Returns
        -------
        int, int
            How many servers run, and how many of these cannot be reached yet.
        """
        done = self._run("await-servers", "--seconds", str(seconds))
        if done.returncode:
            # An older hub without this command: do not wait.
            return 0, 0
        found = json.loads(done.stdout)
        return int(found["running"]), int(found["unreached"])

    def rehearse(self) -> None:
        """Let the hub read its configuration, before a working hub is stopped.

        Raises
        ------
        Failure
            If it cannot be read; everything keeps running.
        """
        done = self._run("rehearse")
        if done.returncode:
            raise Failure(
                "The hub would not start with these settings and this code. Nothing was changed,"
                " and everything keeps running. Its message:\n  "
                + "\n  ".join(last_lines(done.stderr))
            )

    def _run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run it; passwords go through standard input."""
        return attempt([*self.command, *arguments], environment=self.environment, stdin=stdin)

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
    """Returns a note about users' servers that are older than the settings."""
    whose = "1 user's server keeps" if servers == 1 else f"{servers} users' servers keep"
    return (
        f"{whose} the old settings and code; changes for servers (sizes, environments,"
        " addresses, Lab) take effect at their next start"
    )
