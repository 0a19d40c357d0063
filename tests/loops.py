"""Tests that are coroutines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from typing import Any

__all__ = ["completed", "in_a_loop"]


def completed(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Return what a coroutine returns.

    It runs in a thread of its own, since Playwright keeps an event loop in the main one.
    """
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result(timeout=120)


def in_a_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a test that is a coroutine."""

    @wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        completed(test(*args, **kwargs))

    return run
