"""Messages between browser and kernel: large ones arrive or are refused in words, floods too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from tests.lab.running import LabServer
from tests.waiting import wait_until

StartLab = Callable[..., LabServer]


def test_a_message_of_100_mb_reaches_the_kernel(start_lab: StartLab, home: Path) -> None:
    server = start_lab(home)
    kernel = server.new_kernel()
    size = 100_000_000
    answer = server.run(kernel, f"x = '{'a' * size}'\nprint(len(x))", wait=240)
    assert answer.strip() == str(size)


def test_oversized_input_is_refused_in_a_sentence(start_lab: StartLab, home: Path) -> None:
    # A server with 128 MB takes messages of 16 MB, an eighth of it.
    server = start_lab(home, MEM_LIMIT=str(128 << 20))
    kernel = server.new_kernel()
    assert server.run(kernel, f"print(len('{'a' * 12_000_000}'))").strip() == "12000000"
    with pytest.raises((ConnectionClosed, OSError)):
        server.run(kernel, f"x = '{'a' * 20_000_000}'")
    (notice,) = wait_until(
        lambda: [n for n in server.notices()["notices"] if n["topic"] == "message"],
        seconds=20,
        what="the notice",
    )
    assert notice["text"] == "A message to a kernel was refused: it is larger than 16 MB."
    assert "drag it into the file browser" in notice["details"]
    # The kernel is as it was.
    assert server.run(kernel, "print(6 * 7)").strip() == "42"


FLOODS = {
    "large": ("for _ in range(300): print('x' * 100_000, flush=True)", "prints more than 977 kB a"),
    "many": (
        "from IPython.display import display\nfor i in range(5_000): display(i)",
        "prints more than 20 times a second",
    ),
}


@pytest.mark.parametrize(("code", "said"), FLOODS.values(), ids=FLOODS)
def test_a_flood_of_output_names_what_its_user_can_do(
    start_lab: StartLab, home: Path, code: str, said: str
) -> None:
    # A kernel on a busy machine never shows 1000 results a second, the limit of Jupyter.
    server = start_lab(home, "--KernelConnection.iopub_msg_rate_limit=20")
    text = server.run(server.new_kernel(), code, wait=120)
    assert said in text
    assert "write to a file" in text
    assert "ServerApp" not in text
    assert "rate_limit" not in text
