"""``nugamma scan``: delta TS against the hadronic fraction for many pseudo-experiments."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

from nugamma.cli.options import (
    FILE,
    dataset_options,
    made_from,
    make_folder_of,
    name_or_file,
    prepared,
    progress_disabled,
    seed_option,
    source_argument,
    worker_options,
)
from nugamma.inference.modes import MODES
from nugamma.inference.pseudo import HYPOTHESES, share_of
from nugamma.inference.scans import SCENARIOS
from nugamma.running.journal import write_whole
from nugamma.running.provenance import provenance
from nugamma.running.results import document
from nugamma.running.scanning import forget, run_study
from nugamma.running.study import Study, checksum
from nugamma.running.workers import workers as make_workers
from nugamma.sources import load_source


@click.command()
@source_argument
@click.option(
    "--input",
    "hypothesis",
    type=click.Choice(sorted(HYPOTHESES)),
    required=True,
    help="Hypothesis under which the source is simulated.",
)
@click.option(
    "--pseudo",
    type=click.IntRange(1),
    default=100,
    show_default=True,
    help="Number of pseudo-experiments.",
)
@click.option("--asimov", is_flag=True, help="Use data without fluctuations instead.")
@click.option(
    "--mode",
    type=click.Choice(sorted(MODES)),
    default="pinned",
    show_default=True,
    help="pinned: shapes fixed to the fits of each model alone, as published. profile: free.",
)
@seed_option
@click.option("--free-backgrounds", is_flag=True, help="Fit the norm of each background.")
@dataset_options
@worker_options
@click.option("--restart", is_flag=True, help="Discard the finished work of a stopped scan.")
@click.option("--out", type=FILE, required=True, help="JSON file to write.")
def scan(
    *,
    source: str,
    hypothesis: str,
    pseudo: int,
    asimov: bool,
    mode: str,
    seed: int,
    free_backgrounds: bool,
    workers: int | None,
    scheduler: str | None,
    restart: bool,
    out: Path,
    **datasets: Any,
) -> None:
    """Scan the hadronic fraction of SOURCE, for CTA, for KM3NeT and for both.

    A stopped scan continues when the same command runs again: finished work is kept in
    FILE.journal. Results depend on the seed, not on the workers.

    SOURCE is VelaX, RXJ1713, HESSJ1908 or Westerlund1 (full names work too), or a YAML file that
    describes your own.
    """
    study = Study(
        share=share_of(hypothesis),
        pseudo=0 if asimov else pseudo,
        seed=seed,
        mode=mode,  # type: ignore[arg-type]
        free_backgrounds=free_backgrounds,
    )
    make_folder_of(out)
    loaded = load_source(source)
    problem = prepared(loaded, **datasets)
    origin = made_from(loaded, problem, study, **datasets)
    with tqdm(
        total=len(study.indices), unit="scan", desc=loaded.name, disable=progress_disabled()
    ) as bar:
        entries = run_study(
            problem,
            study,
            workers=make_workers(1 if asimov and not scheduler else workers, scheduler),
            out=out,
            origin=origin,
            restart=restart,
            progress=bar.update,
        )
    inputs = {
        "source": name_or_file(source),
        "cta_response": datasets["cta_response"] or "compact table of nugamma",
        "arca_response": datasets["arca_response"] or "km3irf",
        "time_step": f"{datasets['time_step']} h",
        "numbers": checksum(problem),
        "seed": str(seed),
    }
    title = loaded.title or loaded.name
    made = document(loaded.name, title, study, entries, origin, provenance(inputs))
    write_whole(out, json.dumps(made) + "\n")
    forget(out)
    for name in SCENARIOS:
        part = made[name]
        click.echo(
            f"{name:9} mode {part['mode_mean']:.3f}"
            f"  68 % [{part['ci68'][0]:.3f}, {part['ci68'][1]:.3f}]"
            f"  90 % [{part['ci90'][0]:.3f}, {part['ci90'][1]:.3f}]"
        )
    if made["not_converged"]:
        click.echo(
            f"nugamma: {len(made['not_converged'])} pseudo-experiments did not converge at every "
            "point; not_converged lists them",
            err=True,
        )
