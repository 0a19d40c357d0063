"""A limit of memory, as a container has one."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

from tests.waiting import wait_until

#: Bytes.
LIMIT = 300 << 20


class MemoryGroup:
    """A control group with a limit of memory, made by hand."""

    def __init__(self) -> None:
        name = f"km3net-test-{uuid.uuid4().hex[:8]}"
        v1 = Path("/sys/fs/cgroup/memory")
        self.folder = (v1 if v1.is_dir() else Path("/sys/fs/cgroup")) / name
        self.folder.mkdir()
        limit = "memory.limit_in_bytes" if v1.is_dir() else "memory.max"
        (self.folder / limit).write_text(str(LIMIT))

    def enter(self) -> None:
        (self.folder / "cgroup.procs").write_text(str(os.getpid()))

    def remove(self) -> None:
        wait_until(
            lambda: not (self.folder / "cgroup.procs").read_text(), seconds=20, what="it is empty"
        )
        self.folder.rmdir()
