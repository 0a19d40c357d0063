"""``nugamma datasets``: make and keep the datasets of sources."""

from __future__ import annotations

from pathlib import Path

import click

from nugamma.cli.options import cache_folder, dataset_options, folded
from nugamma.inference.problem import of_source
from nugamma.sources import load_source


@click.command()
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@dataset_options
def datasets(
    sources: tuple[str, ...],
    cta_response: Path | None,
    arca_response: Path | None,
    time_step: float,
    cache: Path | None,
) -> None:
    """Make the datasets of SOURCES (200 h of CTA, 10 years of ARCA) and keep them.

    Prints a table: expected counts of a hadronic and a leptonic source and of the background, and
    how many of its events CTA counts compared with a point of the same spectrum.

    SOURCES are VelaX, RXJ1713, HESSJ1908 or Westerlund1 (full names will do), or YAML files of your
    own.
    """
    click.echo(
        f"{'source':14} {'dataset':8} {'groups':>6} {'hadronic':>10} {'leptonic':>10}"
        f" {'background':>12} {'counted':>8}"
    )
    from nugamma.datasets.building import cta_coverage  # gammapy takes a second or two

    for name in sources:
        source = load_source(name)
        made = folded(source, cta_response, arca_response, time_step, cache)
        problem = of_source(source, made)
        counted = f"{100 * cta_coverage(source, cta_response).counted:.1f} %"
        parts = {"gamma": problem.gamma, "neutrino": problem.neutrino}
        counts = [dict(zip(parts, problem.expected(share), strict=True)) for share in (1.0, 0.0)]
        for messenger, response in parts.items():
            for number, dataset in enumerate(response.names):
                here = response.dataset == number
                background = response.background[here].sum()
                hadronic, leptonic = (c[messenger][here].sum() - background for c in counts)
                part = counted if messenger == "gamma" else ""
                click.echo(
                    f"{source.name:14} {dataset:8} {here.sum():6d} {hadronic:10.1f} "
                    f"{leptonic:10.1f} {background:12.1f} {part:>8}".rstrip()
                )
    click.echo(f"kept in {cache or cache_folder()}", err=True)
