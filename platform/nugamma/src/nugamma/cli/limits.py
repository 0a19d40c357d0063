"""``nugamma limits``: intervals of the hadronic fraction from scans."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import click
import numpy as np
from astropy.table import Table
from click.core import ParameterSource
from tqdm import tqdm

from nugamma import __version__
from nugamma.cli.options import (
    FILE,
    dataset_options,
    progress_disabled,
    seed_option,
    worker_options,
)
from nugamma.cli.rebuild import check_source, rebuilt_problem
from nugamma.errors import NugammaError
from nugamma.inference.limits import METHODS, coverage, intervals
from nugamma.inference.problem import Problem
from nugamma.inference.scans import SCENARIOS
from nugamma.running.journal import write_whole
from nugamma.running.provenance import provenance
from nugamma.running.results import FORMAT, ScanDocument, check_alike, read
from nugamma.running.scanning import run_study
from nugamma.running.study import Study
from nugamma.running.workers import Workers
from nugamma.running.workers import workers as make_workers
from nugamma.sources import load_source

#: Added to the seed, so that toys differ from the pseudo-experiments of the scan.
TOY_SEED = 1_000_003


@click.command()
@click.argument("scans", nargs=-1, required=True, metavar="SCAN.json...", type=FILE)
@click.option(
    "--level",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.9,
    show_default=True,
    help="Credibility or confidence level.",
)
@click.option(
    "--method",
    type=click.Choice(METHODS),
    default="published",
    show_default=True,
    help="published: highest density around the mode. hpd: the exact highest-density region. "
    "profile: Wilks. feldman-cousins: from pseudo-experiments at every f.",
)
@click.option(
    "--toys",
    type=click.IntRange(10),
    default=200,
    show_default=True,
    help="Pseudo-experiments at each f, for feldman-cousins.",
)
@seed_option
@click.option(
    "--source",
    help="Source of the scans, to check that it has not changed; the scans contain it.",
)
@click.option(
    "--stored-source",
    is_flag=True,
    help="Use the source in the scans, although its file has changed.",
)
@dataset_options
@worker_options
@click.option("--out", type=FILE, help="File to write: .json or .ecsv.")
@click.pass_context
def limits(
    context: click.Context,
    /,
    *,
    scans: tuple[Path, ...],
    level: float,
    method: str,
    toys: int,
    seed: int,
    source: str | None,
    stored_source: bool,
    workers: int | None,
    scheduler: str | None,
    out: Path | None,
    **datasets: Any,
) -> None:
    """Intervals of the hadronic fraction, averaged over the pseudo-experiments of SCANS.

    Also prints which fraction of the intervals contains the truth. For feldman-cousins, source and
    options of the datasets come from each scan; options given here must be the same.
    """
    if out and out.suffix not in {".json", ".ecsv"}:
        raise NugammaError(f"{out}: limits are written to .json or .ecsv")
    rows = []
    documents = [read(path) for path in scans]
    check_alike(documents)
    given = {
        name: value
        for name, value in datasets.items()
        if name == "cache" or context.get_parameter_source(name) is not ParameterSource.DEFAULT
    }
    for document in documents:
        if source is not None:
            check_source(document, load_source(source), source)
        toy_scans = None
        if method == "feldman-cousins":
            problem = rebuilt_problem(document, given, stored_source=stored_source)
            runner = make_workers(workers, scheduler)
            toy_scans = _toys(document, problem, toys, seed, runner)
        for number, scenario in enumerate(SCENARIOS):
            found = intervals(
                *document.curves(scenario),
                level,
                method,  # type: ignore[arg-type]
                None if toy_scans is None else toy_scans[number],
            )
            low, high = found.mean(axis=0)
            rows.append(
                {
                    "source": document.content["source"],
                    "input": document.content["input"],
                    "mode": document.content["mode"],
                    "scenario": scenario,
                    "low": float(low),
                    "high": float(high),
                    "coverage": coverage(found, document.share),
                    "intervals": found.tolist(),
                }
            )
            click.echo(
                f"{document.label:32} {scenario:9} [{low:.3f}, {high:.3f}]"
                f"  contains the truth: {100 * rows[-1]['coverage']:.0f} %"
            )
    options = {"level": level, "method": method}
    if method == "feldman-cousins":
        options |= {"toys": toys, "seed": seed}
    inputs = provenance({str(path): path for path in scans})
    if out and out.suffix == ".ecsv":
        _write_table(out, rows, options, inputs)
    elif out:
        made = {
            "format": FORMAT,
            "kind": "limits",
            **options,
            "limits": rows,
            "made_from": {str(document.path): document.origin for document in documents},
            "provenance": inputs,
        }
        write_whole(out, json.dumps(made, indent=1) + "\n")


def _write_table(
    out: Path, rows: list[dict[str, Any]], options: dict[str, Any], origin: dict[str, Any]
) -> None:
    columns = [name for name in rows[0] if name != "intervals"]
    table = Table({name: [row[name] for row in rows] for name in columns})
    table.meta = {**options, "nugamma": __version__, "scans": origin["inputs"]}
    text = StringIO()
    table.write(text, format="ascii.ecsv")
    write_whole(out, text.getvalue())


def _toys(
    document: ScanDocument, problem: Problem, toys: int, seed: int, runner: Workers
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Returns delta TS at the true f of pseudo-experiments at every f, (scenario, point, toy)."""
    content = document.content
    points = content[SCENARIOS[0]]["f"]
    toy_scans = np.zeros((len(SCENARIOS), len(points), toys))
    with tqdm(total=len(points) * toys, unit="toy", disable=progress_disabled()) as bar:
        for place, share in enumerate(points):
            study = Study(
                share=share,
                pseudo=toys,
                seed=seed + TOY_SEED,
                mode=content["mode"],
                free_backgrounds=content["free_backgrounds"],
                points=tuple(points),
            )
            for entry in run_study(problem, study, workers=runner, progress=bar.update):
                toy_scans[:, place, entry["index"]] = np.array(entry["dts"])[:, place]
    return toy_scans
