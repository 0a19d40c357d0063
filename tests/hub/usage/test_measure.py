"""Processor time is that of all processes of a server, ended ones included."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from km3hub.usage.homes import folder_sizes, volume_sizes
from km3hub.usage.measure import container_seconds, process_seconds
from km3settings.names import USER_LABEL, Names

#: Burns a second of processor time in a child that ends, then waits for its input to end.
BURN = """
import subprocess, sys
subprocess.run([sys.executable, "-c",
    "import time\\nwhile time.process_time() < 1.0: pass"], check=True)
print("done", flush=True)
sys.stdin.read()
"""


def test_ended_children_count() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", BURN], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == b"done\n"
        found = process_seconds(process.pid)
        process.stdin.close()
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        process.wait()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert found is not None
    # What the kernel says of it when it has ended.
    truth = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert 1.0 <= found[1] <= truth + 0.05


def test_a_process_that_has_ended_is_not_measured() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert process_seconds(process.pid) is None


def test_two_runs_with_the_same_process_id_differ() -> None:
    found = process_seconds(os.getpid())
    assert found is not None
    assert found[0].startswith(f"{os.getpid()} ")
    assert float(found[0].split()[1]) > 1e9


@pytest.mark.parametrize(
    ("stats", "expected"),
    [
        ({"id": "c1", "cpu_stats": {"cpu_usage": {"total_usage": 2_500_000_000}}}, ("c1", 2.5)),
        # The engine's answer for a container that has stopped.
        ({"id": "c1", "cpu_stats": {"cpu_usage": {"total_usage": 0}}}, None),
        ({}, None),
    ],
)
def test_the_answer_of_the_engine_is_understood(
    stats: dict[str, object], expected: tuple[str, float] | None
) -> None:
    assert container_seconds(stats) == expected


def test_homes_are_measured_as_du_does(tmp_path: Path) -> None:
    for name, size in (("ada", 300_000), ("bob", 5_000)):
        (tmp_path / name / "deep" / "er").mkdir(parents=True)
        (tmp_path / name / "deep" / "er" / "data").write_bytes(os.urandom(size))
    (tmp_path / "ada" / "outside").symlink_to("/usr")
    os.link(tmp_path / "ada/deep/er/data", tmp_path / "ada/again")
    with (tmp_path / "bob" / "sparse").open("wb") as file:
        file.truncate(10**9)
    found = folder_sizes(tmp_path)
    for name, size in found.items():
        listed = subprocess.run(
            ["du", "-s", "--block-size=1", tmp_path / name], capture_output=True, check=True
        )
        # du counts the folders, too.
        assert 0 <= int(listed.stdout.split()[0]) - size <= 3 * 4096
    assert set(found) == {"ada", "bob"}


def test_only_homes_of_this_project_are_measured() -> None:
    answer = {
        "Volumes": [
            {"Name": "mine-home-ada", "Labels": {USER_LABEL: "ada"}, "UsageData": {"Size": 5}},
            {"Name": "other-home-ada", "Labels": {USER_LABEL: "ada"}, "UsageData": {"Size": 6}},
            {"Name": "mine-state", "Labels": None, "UsageData": {"Size": 7}},
            {"Name": "mine-home-bob", "Labels": {USER_LABEL: "bob"}, "UsageData": {"Size": -1}},
        ]
    }
    assert volume_sizes(lambda: answer, Names("mine")) == {"ada": 5}
