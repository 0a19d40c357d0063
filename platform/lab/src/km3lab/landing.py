"""Lab's first page: the welcome, or the one for a home that cannot be written to."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from km3lab.folder import Folder
from km3lab.home import Usage, amount
from km3lab.index import Tutorial
from km3lab.manifest import Manifest, locked
from km3lab.scratch import Scratch
from km3lab.surroundings import Surroundings
from km3lab.tutorials import FOLDER, Outcome, Report

__all__ = ["full_home", "welcome", "write"]

#: The page's name in the home, and the alternative if the user has a file of that name.
NAMES = ("Welcome.md", "Welcome to KM3NeT.md")

#: Share of the quota above which the page asks to delete files.
_NEARLY_FULL = 0.9

_ENVIRONMENTS = {"stack": "KM3NeT stack", "joint": "Joint analysis"}


def welcome(
    around: Surroundings,
    tutorials: list[Tutorial],
    report: Report,
    used: Usage,
    *,
    quota: str = "",
    scratch: Scratch | None = None,
    shared: Sequence[str] = (),
) -> str:
    """Returns the welcome page, in Markdown.

    Parameters
    ----------
    around
        The server's limits.
    tutorials, report
        The tutorials, and what became of the user's copies.
    used
        What is in the home.
    quota
        The state of the user's CPU quota, in a sentence; empty: none.
    scratch
        The user's scratch folder; None: there is none.
    shared
        The folders that the user's groups share.
    """
    parts = [_greeting(around), _plain(quota), _problems(report)]
    parts += [
        _index(around, tutorials, report),
        _changes(report),
        _home(around, used),
        _scratch(scratch),
        _shared(shared),
        _packages(around),
        _help(around),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def full_home(around: Surroundings, why: str, used: Usage, link: str) -> str:
    """Returns the page of a server that runs in a temporary folder, in Markdown."""
    rows = [f"| {amount(size)} | {_entry_link(link, name)} |" for size, name in used.entries[:10]]
    files = [f"| {amount(size)} | {_entry_link(link, name)} |" for size, name in used.files[:10]]
    parts = [
        "# Your home cannot take more files",
        f"No files can be saved in your home `{around.home}` because **{why}**. So that you can"
        " still work, this server runs in a temporary folder.",
        "> ⚠️ **Files that you save outside the folder `home` are lost when this server stops.**",
        "## What to do",
        "1. Delete files that you no longer need: the tables below show the largest. In the file"
        " browser on the left, open the folder `home`, right-click and choose *Delete*; or use"
        " *File → New → Terminal*. To keep a file, right-click it and choose *Download* first.\n"
        f"2. {_restart(around)}",
    ]
    if rows:
        # The list may be incomplete, which users should know.
        more = "" if used.complete else " The list is incomplete: there are too many files."
        parts.append("## What fills your home")
        parts.append(f"{_used(around, used)}{more}")
        parts.append("\n".join(["| size | in your home |", "|---:|:---|", *rows]))
    if files:
        parts.append("### The largest files")
        parts.append("\n".join(["| size | file |", "|---:|:---|", *files]))
        parts.append(
            "Files and folders whose name starts with a dot are hidden: *View → Show Hidden Files*,"
            " or in a terminal `rm`. Downloads that programs can fetch again are in `.cache` and"
            " can always be deleted."
        )
    parts.append(_help(around))
    return "\n\n".join(part for part in parts if part) + "\n"


def write(text: str, home: Path) -> str:
    """Write the welcome page to `home`; return its name, or an empty text if it was not written.

    A file of that name that the user wrote or changed is kept.
    """
    content = text.encode()
    digest = hashlib.sha256(content).hexdigest()
    with locked(home), Folder.at(home) as folder:
        manifest = Manifest.load(home)
        for name in NAMES:
            found = folder.look(name)
            if found.kind == "file" and found.sha256 == digest:
                return name
            if found.kind == "missing":
                folder.add(name, content)
            elif found.kind == "file" and found.sha256 == manifest.pages.get(name):
                folder.replace(name, content, found.mode)
            else:
                continue
            manifest.pages[name] = digest
            manifest.save(home)
            return name
    return ""


def _greeting(around: Surroundings) -> str:
    user = os.environ.get("JUPYTERHUB_USER", "")
    title = _ENVIRONMENTS.get(around.environment, around.environment)
    facts = [f"environment **{_plain(title)}**"] if title else []
    if around.size_title:
        facts.append(f"size **{_plain(around.size_title)}**")
    if around.memory_limit:
        facts.append(f"{amount(around.memory_limit)} of memory")
    if around.cpu_limit:
        count = f"{around.cpu_limit:g}"
        facts.append(f"{count} processor core{'' if count == '1' else 's'}")
    name = f", {_plain(user)}" if user else ""
    server = "This server: " + ", ".join(facts) + "." if facts else ""
    return f"# Welcome to KM3NeT open science{name}\n\n{server}".strip()


def _problems(report: Report) -> str:
    lines = [report.problem] if report.problem else []
    lines += [f"`{_code(o.name)}`: {o.reason}." for o in report.of("failed")]
    return "\n".join(f"> ⚠️ {line}" for line in lines)


def _index(around: Surroundings, tutorials: list[Tutorial], report: Report) -> str:
    if not tutorials:
        return ""
    gone = {o.name for o in report.of("deleted", "failed")}
    rows = []
    for tutorial in tutorials:
        title = f"**{_cell(tutorial.title)}**"
        if tutorial.name not in gone and not report.problem:
            title = f"[{title}]({quote(f'{FOLDER}/{tutorial.name}')})"
        about = _cell(tutorial.about)
        if around.environment == "stack" and tutorial.environment == "joint":
            # The joint environment contains everything of the other one.
            about += f" *Needs the environment {_ENVIRONMENTS['joint']}.*"
        rows.append(f"| {title} | {about} | {_cell(tutorial.minutes)} |")
    heads = ["| open | what you learn | minutes |", "|:---|:---|---:|"]
    lines = ["## Tutorials", "", *heads, *rows]
    text = "\n".join(lines)
    readme = f"[{FOLDER}/README.md]({FOLDER}/README.md)"
    return text + (
        f"\n\nThese are your own copies in the folder `{FOLDER}`: run, change and break them."
        + (f" More about them: {readme}." if _has_readme(report) else "")
    )


def _has_readme(report: Report) -> bool:
    return any(
        o.name == "README.md" and o.state not in ("deleted", "failed") for o in report.outcomes
    )


def _changes(report: Report) -> str:
    lines = []
    news = [o for o in report.of("new") if o.first_seen]
    known = len(report.outcomes) - len(news)
    if known:
        # At the first start everything is new; no message is needed.
        lines += [f"- **New**: {_file(o)}" for o in news]
    lines += [f"- **Updated** (you had not changed it): {_file(o)}" for o in report.of("updated")]
    for o in report.of("kept"):
        why = o.reason or "you changed it"
        beside = f"; the new version is {_link(o.new_name)}" if o.new_name else ""
        lines.append(f"- **Your version was kept**: {_file(o)} ({why}){beside}.")
    lines += [
        f"- **No longer part of the tutorials**: {_file(o)}. Your copy is kept."
        for o in report.of("retired")
        if o.first_seen
    ]
    parts = ["## What changed", "\n".join(lines)] if lines else []
    deleted = report.of("deleted")
    if deleted:
        names = ", ".join(f"`{_code(o.name)}`" for o in deleted)
        parts.append(f"You deleted {names}; `km3hub tutorials reset FILE` restores a file.")
    if report.outcomes:
        parts.append(
            "**Reset a tutorial**: in a terminal (*File → New → Terminal*), `km3hub tutorials reset"
            " FILE` restores the original and keeps your version under another name;"
            " `km3hub tutorials list` shows the state of each file."
        )
    return "\n\n".join(parts)


def _home(around: Surroundings, used: Usage) -> str:
    return f"## Your files\n\n{_used(around, used)} {_kept(around)}"


def _scratch(scratch: Scratch | None) -> str:
    if scratch is None:
        return ""
    text = (
        f"**Scratch**: `{scratch.path}` has its own space, which does not count as your home's. Use"
        " it for files that you can make again: it is not backed up"
    )
    if not scratch.days:
        return f"{text}."
    text += f", and files that you have not used for {scratch.days} days are deleted."
    if scratch.soon:
        files = "1 file" if scratch.soon == 1 else f"{scratch.soon} files"
        text += (
            f" **{files} will be deleted within a week, the first on {scratch.next_day}**: open"
            " what you still need, or move it to your home."
        )
    return text


def _shared(folders: Sequence[str]) -> str:
    if not folders:
        return ""
    names = ", ".join(f"`{folder}`" for folder in folders)
    return (
        f"**Shared with your groups**: {names}. All members can read, change and delete every file"
        " there, and the space is used by all of them."
    )


def _packages(around: Surroundings) -> str:
    # In images the environment belongs to the system; elsewhere it is shared by all users.
    layered = around.container
    option = " --system-site-packages" if layered else ""
    kernel = "" if layered else "ipykernel "
    adding = (
        "`pip install NAME` in a terminal, or `%pip install NAME` in a notebook, adds a package to"
        " your home. "
        if layered
        else ""
    )
    return (
        f"## Your own packages\n\n{adding}For another version of an installed package,"
        " create your own environment with a kernel, then reload this page:\n\n"
        "```\n"
        f"python -m venv{option} ~/mine && ~/mine/bin/pip install {kernel}NAME==VERSION\n"
        "~/mine/bin/python -m ipykernel install --user --name mine\n"
        "```"
    )


def _kept(around: Surroundings) -> str:
    if around.hub:
        return "Your files are kept when your server stops."
    if around.container:
        return (
            "**Files are lost when this container is removed**, unless a folder of your computer"
            f" is mounted at `{around.home}`."
        )
    return ""


def _used(around: Surroundings, used: Usage) -> str:
    least = "" if used.complete else "more than "
    text = f"Your home contains {least}{amount(used.total)}"
    if around.home_quota:
        share = used.total / around.home_quota
        percent = "less than 1 %" if share < 0.01 else f"{share:.0%}".replace("%", " %")
        text += f" of {amount(around.home_quota)} ({percent})"
        if share >= _NEARLY_FULL:
            text += ". **It is nearly full: please delete some files**"
    return text + "."


def _restart(around: Surroundings) -> str:
    if around.hub:
        return (
            "Then *File → Hub Control Panel → Stop My Server*, and start it again: it will use your"
            " home as usual."
        )
    return "Then stop this server (*File → Shut Down*) and start it again."


def _help(around: Surroundings) -> str:
    contact = around.contact.strip()
    if not contact:
        return ""
    if re.fullmatch(r"[^@\s<>()]+@[^@\s<>()]+", contact):
        contact = f"[{contact}](mailto:{quote(contact, safe='@.+-_')})"
    elif re.fullmatch(r"https?://[^\s<>()]+", contact):
        contact = f"<{contact}>"
    else:
        contact = _plain(contact)
    return f"**Help**: ask {contact}."


def _file(outcome: Outcome) -> str:
    return _link(outcome.name)


def _link(name: str) -> str:
    return f"[{_plain(name)}]({quote(f'{FOLDER}/{name}')})"


def _entry_link(link: str, name: str) -> str:
    return f"`{link}/{_code(name)}`"


def _plain(text: str) -> str:
    """Returns text that Markdown shows unchanged."""
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", " ".join(text.split()))


def _cell(text: str) -> str:
    """Returns Markdown that stays in its table cell; a title may use emphasis."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _code(text: str) -> str:
    # File names may contain anything: characters that would end the code or the line are replaced.
    return "".join("�" if c in "`|" or not c.isprintable() else c for c in text)
