"""Names of columns for formats in which no two columns may have the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence


def distinct_names(names: Sequence[str], same: Callable[[str], str] = str) -> list[str]:
    """Returns names of which no two are equal.

    Parameters
    ----------
    names : sequence of str
    same : callable
        Gives one text for all names that are equal to a reader, `str.lower` where capitals do not
        count.

    Returns
    -------
    list of str
        The first column of a name keeps it; others get a number that no name here has: a, a_2, a
        become a, a_2, a_3.
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
