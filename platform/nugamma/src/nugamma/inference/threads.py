"""Linear algebra on one thread."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from typing import ParamSpec, TypeVar

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

P = ParamSpec("P")
R = TypeVar("R")


@cache
def _controller() -> ThreadpoolController:
    """Returns the controller, made once as finding the loaded libraries takes a millisecond."""
    return ThreadpoolController()


def one_thread(function: Callable[P, R]) -> Callable[P, R]:
    """Makes a function use one thread for linear algebra.

    Its matrices are small: several threads would mostly wait for each other, and use ten times the
    CPU on a busy machine. Also, the order of sums does not depend on the machine.
    """

    @wraps(function)
    def limited(*args: P.args, **options: P.kwargs) -> R:
        with _controller().limit(limits=1):
            return function(*args, **options)

    return limited
