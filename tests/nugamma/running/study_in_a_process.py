"""A scan of the synthetic source in a process of its own, to be killed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from nugamma.running.scanning import run_study
from nugamma.running.study import Study
from nugamma.running.workers import workers
from tests.nugamma.inference import synthetic

STUDY = Study(share=0.0, pseudo=60, seed=3)

if __name__ == "__main__":
    out = Path(sys.argv[1])
    entries = run_study(synthetic.problem(), STUDY, workers=workers(int(sys.argv[2])), out=out)
    out.write_text(json.dumps(entries))
