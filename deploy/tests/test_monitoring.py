"""Metrics of a deployed host: everything that alerts and dashboards use."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from deploy.tests.containers import Machine, eventually
from deploy.tests.site import DEPLOY

#: Words in expressions that are not metrics.
WORDS = {
    *("sum", "avg", "count", "rate", "increase", "histogram_quantile", "predict_linear", "vector"),
    *("by", "or", "and", "absent", "time", "le", "status", "code"),
}  # fmt: skip
#: Appear only once somebody used the service, or something failed.
LATER = {"km3net_check_failure", "opendata_tap_jobs"}


def _ask(machine: Machine, path: str) -> Any:
    text = machine.run("curl", "-s", "--fail", f"http://127.0.0.1:9090/api/v1/{path}")
    return json.loads(text)["data"]


def _asked() -> set[str]:
    texts = [
        target["expr"]
        for file in (DEPLOY / "dashboards").glob("*.json")
        for panel in json.loads(file.read_text())["panels"]
        for target in panel["targets"]
    ]
    rules = yaml.safe_load((DEPLOY / "roles/monitoring/files/rules.yml").read_text())
    texts += [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    bare = [re.sub(r"\{[^}]*\}|\[[^]]*\]|\"[^\"]*\"", "", text) for text in texts]
    return {word for text in bare for word in re.findall(r"[a-zA-Z_]\w+", text)} - WORDS


def test_every_exporter_provides_metrics(deployed: Machine) -> None:
    def states() -> dict[str, str]:
        found = _ask(deployed, "targets?state=active")["activeTargets"]
        return {target["labels"]["job"]: target["health"] for target in found}

    jobs = {"prometheus", "host", "web", "hub", "portal"}
    up = dict.fromkeys(jobs, "up")
    eventually(lambda: states() == up, "all exporters are up", seconds=300)


def test_every_metric_of_alerts_and_dashboards_exists(deployed: Machine) -> None:
    def missing() -> list[str]:
        return sorted(_asked() - LATER - set(_ask(deployed, "label/__name__/values")))

    assert len(_asked()) > 20
    # The host checks itself every five minutes.
    eventually(lambda: not missing(), "all metrics exist", seconds=600)


def test_only_root_reads_the_token(deployed: Machine) -> None:
    found = deployed.run("stat", "-c", "%a %U %G", "/etc/prometheus/km3net-hub-token")
    assert found.split() == ["640", "root", "prometheus"]
