"""What a file of tests changes for the whole process is undone before the next one."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tests import commands

ROOT = Path(__file__).resolve().parents[1]

CHANGES = """
import logging, os, structlog

def test_changes():
    os.environ["ADDED"] = os.environ["KEPT"] = "changed"
    del os.environ["GONE"]
    os.chdir("/")
    os.umask(0o077)
    structlog.configure(processors=[])
    logging.basicConfig(level=logging.ERROR, force=True)
    logging.disable(logging.CRITICAL)
"""
FINDS = """
import logging, os, structlog

def test_finds():
    assert "ADDED" not in os.environ
    assert os.environ["KEPT"] == os.environ["GONE"] == "before"
    assert os.getcwd() == {folder!r}
    assert os.umask(0o022) == 0o022
    assert structlog.get_config()["processors"]
    root = logging.getLogger()
    assert root.level == logging.WARNING
    assert all(type(handler).__module__ == "_pytest.logging" for handler in root.handlers)
    assert logging.getLogger("any").isEnabledFor(logging.CRITICAL)
"""


def test_a_file_finds_the_process_as_it_was_before_another(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text("pytest_plugins = ('tests.same_process',)\n")
    (tmp_path / "test_a.py").write_text(CHANGES)
    (tmp_path / "test_b.py").write_text(FINDS.format(folder=str(tmp_path)))
    environment = {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    known = {"KEPT": "before", "GONE": "before"}
    without = ("-p", "no:tests.same_process")
    for plugins, result in ((), "2 passed"), (without, "1 failed, 1 passed"):
        done = commands.run(
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *plugins),
            status=None,
            cwd=tmp_path,
            env=os.environ | environment | known,
            preexec_fn=lambda: os.umask(0o022),
        )
        assert result in done.stdout
