"""Notices to users: memory at its limit, killed kernels, and access to them."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from km3lab.memory import ControlGroup
from km3lab.notices import LONGEST, Notices
from tests.lab.limits import LIMIT
from tests.lab.running import LabServer
from tests.waiting import wait_until

StartLab = Callable[..., LabServer]


def _of(server: LabServer, topic: str) -> list[dict[str, str]]:
    return [notice for notice in server.notices()["notices"] if notice["topic"] == topic]


def test_a_kernel_out_of_memory_is_reported_with_its_notebook_and_the_limit(
    limited: LabServer, home: Path
) -> None:
    (home / "fit.ipynb").write_text(
        '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
    )
    session = {"path": "fit.ipynb", "type": "notebook", "name": "", "kernel": {"name": "python3"}}
    kernel = limited.api("POST", "/api/sessions", json=session)["kernel"]["id"]
    limited.run(kernel, "x = []\nwhile True: x.append(bytearray(1_000_000))", wait=0)
    (notice,) = wait_until(lambda: _of(limited, "kernel"), seconds=60, what="the notice")
    assert notice["text"] == (
        "The kernel of fit.ipynb was stopped: this server's memory limit of 300 MB (size Small)"
        " was reached."
    )
    assert notice["level"] == "error"
    assert "Its variables are lost; saved files are not." in notice["details"]
    # The server outlived it, and so did the kernel's place: it is started anew.
    assert limited.run(kernel, "print(6 * 7)").strip() == "42"


def test_a_warning_appears_before_the_limit_and_disappears_with_its_cause(
    limited: LabServer,
) -> None:
    kernel = limited.new_kernel()
    grow = (
        "import gc\n"
        "from pathlib import Path\n"
        f"limit = {LIMIT}\n"
        "def used():\n"
        "    v1 = Path('/sys/fs/cgroup/memory') / Path('/proc/self/cgroup').read_text()"
        ".split('memory:')[1].split()[0][1:] if Path('/sys/fs/cgroup/memory').exists() else None\n"
        "    if v1: return int((v1 / 'memory.usage_in_bytes').read_text())\n"
        "    own = Path('/proc/self/cgroup').read_text().strip().split('::')[1][1:]\n"
        "    return int((Path('/sys/fs/cgroup') / own / 'memory.current').read_text())\n"
        "x = []\n"
        "while used() < 0.94 * limit: x.append(bytearray(1_000_000))\n"
        "print('grown')"
    )
    assert "grown" in limited.run(kernel, grow)
    (notice,) = wait_until(lambda: _of(limited, "memory"), seconds=20, what="the warning")
    assert notice["level"] == "warning"
    assert "of 300 MB are in use" in notice["text"]
    limited.run(kernel, "x.clear(); gc.collect()")
    wait_until(lambda: not _of(limited, "memory"), seconds=20, what="the warning is withdrawn")


def test_a_killed_kernel_is_reported_even_without_a_limit(start_lab: StartLab, home: Path) -> None:
    server = start_lab(home)
    if ControlGroup.of_this_process() is not None:
        pytest.skip("this machine limits the memory of the tests themselves; run them outside")
    kernel = server.new_kernel()
    pid = int(server.run(kernel, "import os; print(os.getpid())"))
    wait_until(
        lambda: Path(f"/proc/{pid}/oom_score_adj").read_text().strip() == "500",
        seconds=20,
        what="the watch knows the kernel",
    )
    os.kill(pid, signal.SIGKILL)
    (notice,) = wait_until(lambda: _of(server, "kernel"), seconds=30, what="the notice")
    assert notice["text"].startswith("A kernel was killed: the machine is out of memory")
    # Now, while the kernel is being restarted, jupyter_client cannot shut it down.
    server.stop()
    assert server.process is not None
    assert server.process.returncode == 0


def test_a_crash_is_named_by_its_signal(start_lab: StartLab, home: Path) -> None:
    server = start_lab(home)
    kernel = server.new_kernel()
    pid = int(server.run(kernel, "import os; print(os.getpid())"))
    wait_until(
        lambda: Path(f"/proc/{pid}/oom_score_adj").read_text().strip() == "500",
        seconds=20,
        what="the watch knows the kernel",
    )
    os.kill(pid, signal.SIGSEGV)
    (notice,) = wait_until(lambda: _of(server, "kernel"), seconds=30, what="the notice")
    assert notice["text"] == "A kernel crashed (SIGSEGV)."


def test_users_read_why_the_site_will_stop_their_server(start_lab: StartLab, home: Path) -> None:
    server = start_lab(home)
    for minutes in (10, 5):
        server.api("PUT", "/km3/notices", json={"text": f"stops in {minutes} minutes"})
    (notice,) = _of(server, "site")
    assert (notice["text"], notice["level"]) == ("stops in 5 minutes", "warning")
    wrong = server.client.put("/km3/notices", json={"text": 5})
    assert wrong.status_code == 400
    assert "what happens" in wrong.json()["message"]
    stranger = server.client.put(
        "/km3/notices", json={"text": "x"}, headers={"Authorization": "token wrong"}
    )
    assert stranger.status_code in (401, 403)


def test_no_notice_is_longer_than_jupyterlab_shows() -> None:
    notices = Notices()
    notices.add("kernel", "error", "x" * 500, details="And then?")
    (notice,) = notices.current
    assert len(notice.text) == LONGEST
    assert notice.details == "x" * 500 + " And then?"


def test_old_notices_make_room() -> None:
    notices = Notices()
    for number in range(200):
        notices.add("program", "info", str(number))
    assert len(notices.current) == 50
    assert notices.current[-1].text == "199"


def _cgroup(root: Path, files: dict[str, str], membership: str) -> ControlGroup | None:
    root.mkdir()
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "membership").write_text(membership)
    return ControlGroup.of_this_process(root, root / "membership")


def test_both_versions_of_control_groups_are_understood(tmp_path: Path) -> None:
    # As the kernel writes them: https://docs.kernel.org/admin-guide/cgroup-v2.html
    v2 = _cgroup(
        tmp_path / "v2",
        {
            "memory.max": "2147483648\n",
            "memory.current": "1500000000\n",
            "memory.stat": "anon 1000000000\nfile 500000000\ninactive_file 400000000\n",
            "memory.events": "low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n",
        },
        "0::/\n",
    )
    v1 = _cgroup(
        tmp_path / "v1",
        {
            "memory/memory.limit_in_bytes": "2147483648\n",
            "memory/memory.usage_in_bytes": "1500000000\n",
            "memory/memory.stat": "inactive_file 1\ntotal_inactive_file 400000000\n",
            "memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
        },
        "5:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n1:name=systemd:/docker/abc\n",
    )
    for group in (v1, v2):
        assert group is not None
        assert (group.limit, group.used(), group.kills()) == (2147483648, 1_100_000_000, 2)


@pytest.mark.parametrize(
    ("files", "membership"),
    [
        ({"memory.max": "max\n"}, "0::/\n"),
        ({"memory/memory.limit_in_bytes": "9223372036854771712\n"}, "4:memory:/\n"),
        ({}, "0::/user.slice\n"),
        ({}, ""),
    ],
)
def test_without_a_limit_no_cgroup_is_found(
    tmp_path: Path, files: dict[str, str], membership: str
) -> None:
    assert _cgroup(tmp_path / "root", files, membership) is None
