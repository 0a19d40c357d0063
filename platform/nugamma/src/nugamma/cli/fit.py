"""``nugamma fit``: fit protons and electrons to the flux points of a source."""

from __future__ import annotations

import json
from pathlib import Path

import click

from nugamma.cli.options import FILE, name_or_file, source_argument
from nugamma.running.contents import source_content
from nugamma.running.journal import write_whole
from nugamma.running.provenance import provenance
from nugamma.running.results import FORMAT
from nugamma.sources import load_source
from nugamma.sources.fit import fit_source


@click.command()
@source_argument
@click.option("--out", type=FILE, required=True, help="JSON file to write.")
def fit(source: str, out: Path) -> None:
    """Fit a hadronic and a leptonic model to the flux points of SOURCE.

    SOURCE is VelaX, RXJ1713, HESSJ1908 or Westerlund1 (full names work too), or a YAML file that
    describes your own.
    """
    found = fit_source(load_source(source))
    document = {
        "format": FORMAT,
        "kind": "fit",
        "title": found.source.title or found.source.name,
        **found.to_dict(),
        "made_from": {"source": source_content(found.source)},
        "provenance": provenance({"source": name_or_file(source)}),
    }
    write_whole(out, json.dumps(document, indent=1) + "\n")
    for name in ("hadronic", "leptonic"):
        model = document[name]
        values = model["parameters"]
        cutoff = values["e_cutoff"]
        unconstrained = cutoff["error"] is None or cutoff["error"] > cutoff["value"]
        click.echo(
            f"{name:9} chi2/ndf {model['chi2']:.2f}/{model['ndf']}"
            f"  alpha {values['alpha']['value']:.3f}"
            f"  cutoff {cutoff['value']:.1f} TeV{' (not constrained)' if unconstrained else ''}"
            f"  10 TeV {model['dnde_10TeV']['gamma']:.3e} cm-2 s-1 TeV-1"
        )
