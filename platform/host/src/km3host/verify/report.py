"""Running checks, and the formats of their results."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from km3host.errors import HostError
from km3host.verify import files, network, services, web
from km3host.verify.failure import CheckFailed
from km3host.verify.settings import VerifySettings
from km3host.verify.updates import Update
from km3host.verify.visit import visit

__all__ = [
    "CHECKS",
    "Finding",
    "as_json",
    "as_metrics",
    "check",
    "updates_as_metrics",
    "write_textfile",
]

#: All checks, in the order in which an administrator would look.
CHECKS: dict[str, Callable[[VerifySettings], str]] = {
    "services": services.services,
    "containers": services.containers,
    "images": services.images,
    "filters": network.filters,
    "published": network.published,
    "web": web.web,
    "certificates": web.certificates,
    "disk": files.disk,
    "backup": files.backup,
    "secrets": files.secrets,
    "visit": visit,
}


@dataclass(frozen=True)
class Finding:
    """What one check found."""

    check: str
    ok: bool
    message: str

    def __str__(self) -> str:
        return f"{'ok    ' if self.ok else 'FAILED'}  {self.check}: {self.message}"


def check(settings: VerifySettings, names: Iterable[str]) -> Iterator[Finding]:
    """Run checks one after the other and yield what each found."""
    for name in names:
        try:
            yield Finding(name, True, CHECKS[name](settings))
        except CheckFailed as error:
            yield Finding(name, False, str(error))
        except HostError as error:
            yield Finding(name, False, f"the check failed: {error.message}")
        except OSError as error:
            reason = f"{error.filename}: {error.strerror}" if error.filename else str(error)
            yield Finding(name, False, f"the check failed ({reason}): run the playbook site")
        except (KeyError, ValueError) as error:
            yield Finding(name, False, f"the check failed ({error!r}): run the playbook site")


def as_json(findings: Sequence[Finding]) -> str:
    """Return findings as one JSON object, by name of the check."""
    # `said` is what programs of administrators read; metrics have it too.
    return json.dumps({f.check: {"ok": f.ok, "said": f.message} for f in findings})


def as_metrics(findings: Sequence[Finding], seconds: float) -> str:
    """Return findings in Prometheus' text format; a failure's message is a label.

    Parameters
    ----------
    findings
        What the checks found.
    seconds
        How long they took.
    """
    lines = ["# HELP km3net_check 1 if a check of the machine passed, 0 if it failed."]
    lines += ["# TYPE km3net_check gauge"]
    lines += [f'km3net_check{{check="{f.check}"}} {int(f.ok)}' for f in findings]
    lines += ["# HELP km3net_check_failure What failed, in words."]
    lines += ["# TYPE km3net_check_failure gauge"]
    for finding in findings:
        if not finding.ok:
            words = finding.message.replace("\\", "/").replace('"', "'").replace("\n", " ")
            lines.append(f'km3net_check_failure{{check="{finding.check}",said="{words}"}} 1')
    kind = "visit" if any(f.check == "visit" for f in findings) else "quick"
    lines.append(f'km3net_check_seconds{{kind="{kind}"}} {seconds:.1f}')
    lines.append(f'km3net_check_time_seconds{{kind="{kind}"}} {time.time():.0f}')
    return "\n".join(lines) + "\n"


def updates_as_metrics(updates: Iterable[Update]) -> str:
    """Return updates that wait for an administrator in Prometheus' text format."""
    lines = ["# HELP km3net_update_waiting An update that is not installed automatically."]
    lines += ["# TYPE km3net_update_waiting gauge"]
    lines += [
        f'km3net_update_waiting{{package="{update.package}",version="{update.version}"}} 1'
        for update in updates
    ]
    return "\n".join(lines) + "\n"


def write_textfile(path: Path, text: str) -> None:
    """Replace a file of the node exporter's textfile collector, which never sees half of it."""
    draft = path.with_suffix(".part")
    draft.write_text(text, encoding="utf-8")
    draft.chmod(0o644)
    draft.rename(path)
