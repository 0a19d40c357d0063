"""Column names for formats that need them to be unique."""

from __future__ import annotations

from collections.abc import Callable, Sequence


def distinct_names(names: Sequence[str], same: Callable[[str], str] = str) -> list[str]:
    """Returns unique names.

    Parameters
    ----------
    names : sequence of str
    same : callable
        Maps names that readers regard as equal to the same text: `str.lower` if case is ignored.

    Returns
    -------
    list of str
        The first column of a name keeps it; the others get a number: a, a_2, a become a, a_2, a_3.
    """
    given = {same(name) for name in names}
    taken: set[str] = set()
    counts: dict[str, int] = {}
    found = []
    for name in names:
        chosen, count = name, counts.get(same(name), 1)
        while same(chosen) in taken or (chosen != name and same(chosen) in given):
            count += 1
            chosen = f"{name}_{count}"
        counts[same(name)] = count
        taken.add(same(chosen))
        found.append(chosen)
    return found
