"""``nugamma datasets``: make the datasets of sources and keep them in the cache."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nugamma.cli.options import cache_folder, dataset_options, instruments, prepared
from nugamma.sources import load_source


@click.command()
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@dataset_options
def datasets(sources: tuple[str, ...], cache: Path | None, **options: Any) -> None:
    """Make the datasets of SOURCES (200 h of CTA, 10 years of ARCA) and keep them in the cache.

    Prints the expected counts of a hadronic source, of a leptonic source and of the background,
    and the fraction of a source's events that CTA counts, compared with a point source.

    SOURCES are VelaX, RXJ1713, HESSJ1908 or Westerlund1 (full names work too), or YAML files that
    describe your own.
    """
    click.echo(
        f"{'source':14} {'dataset':8} {'groups':>6} {'hadronic':>10} {'leptonic':>10}"
        f" {'background':>12} {'counted':>8}"
    )
    from nugamma.datasets import PointedTelescope  # imports gammapy, which takes seconds

    for name in sources:
        source = load_source(name)
        problem = prepared(source, cache, **options)
        counted = {
            one.name: f"{100 * one.coverage(source).counted:.1f} %"
            for one in instruments(**options)
            if isinstance(one, PointedTelescope)
        }
        responses = {"gamma": problem.gamma, "neutrino": problem.neutrino}
        counts = [
            dict(zip(responses, problem.expected(share), strict=True)) for share in (1.0, 0.0)
        ]
        for messenger, response in responses.items():
            for number, dataset in enumerate(response.names):
                here = response.dataset == number
                background = response.background[here].sum()
                hadronic, leptonic = (c[messenger][here].sum() - background for c in counts)
                click.echo(
                    f"{source.name:14} {dataset:8} {here.sum():6d} {hadronic:10.1f} "
                    f"{leptonic:10.1f} {background:12.1f} {counted.get(dataset, ''):>8}".rstrip()
                )
    click.echo(f"kept in {cache or cache_folder()}", err=True)
