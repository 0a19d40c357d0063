"""Processes of a platform in embedded mode, and its answers."""

from __future__ import annotations

from pathlib import Path

import httpx
import psutil

from km3settings.state import State
from tests.waiting import wait_until


def processes(state: Path, role: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            environment = process.environ()
        except psutil.Error:
            continue
        ours = (environment.get("KM3_STATE"), environment.get("KM3_PLATFORM"))
        if {str(state), State(state).mark} & set(ours) and environment.get("KM3_ROLE") == role:
            found.append(process)
    return found


def the_process(state: Path, words: str) -> psutil.Process:
    return next(p for p in processes(state, "hub") if words in " ".join(p.cmdline()))


def await_status(url: str, status: int, seconds: float = 120) -> None:
    def answered() -> bool:
        answer = httpx.get(url, timeout=5, follow_redirects=True, trust_env=False)
        return answer.status_code == status

    wait_until(answered, seconds=seconds, what=f"{url} answers {status}", ignoring=httpx.HTTPError)


def await_text(url: str, text: str, seconds: float = 120) -> None:
    wait_until(
        lambda: text in httpx.get(url, timeout=30, trust_env=False).text,
        seconds=seconds,
        what=f"{url} shows {text}",
    )
