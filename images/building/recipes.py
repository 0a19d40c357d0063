"""The images, what each is built from, and their order."""

from __future__ import annotations

import hashlib
import subprocess
from dataclasses import dataclass
from pathlib import Path

from km3up.version import version_of

__all__ = [
    "BILLS",
    "RECIPES",
    "ROOT",
    "Recipe",
    "RecipeError",
    "all_inputs",
    "in_order",
    "revision",
    "version",
]

ROOT = Path(__file__).resolve().parents[2]
#: Bills of materials of the images that were built here, `NAME.cdx.json`; not in git.
BILLS = ROOT / "images" / "sbom" / "built"


class RecipeError(Exception):
    """There is no image of the requested name."""


@dataclass(frozen=True)
class Recipe:
    """One image: its folder below `images/`, its parent, and the paths copied into it."""

    name: str
    parent: str | None
    inputs: tuple[str, ...]
    folder: str
    target: str | None = None
    """A stage of the Dockerfile other than the last; such an image is only a parent of others."""

    @property
    def repository(self) -> str:
        """Return the name of the image without its tag."""
        return f"km3net/{self.name}"


_BASE = ("images/base", "platform/locks/uv.txt")
_SBOM = "images/sbom"
_TOP = ("platform/lab", "platform/openkm3", "platform/pdf", "notebooks")

RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe("base-system", None, _BASE, "base", target="system"),
        Recipe("base", "base-system", (*_BASE, _SBOM), "base"),
        Recipe(
            "stack-libraries",
            "base-system",
            ("images/stack", "platform/locks/lab.txt", "platform/locks/stack.txt"),
            "stack",
            target="libraries",
        ),
        Recipe("stack", "stack-libraries", ("images/stack", _SBOM, *_TOP), "stack"),
        Recipe(
            "joint",
            "stack-libraries",
            ("images/joint", _SBOM, "platform/locks/joint.txt", "platform/nugamma", *_TOP),
            "joint",
        ),
        Recipe(
            "hub",
            "base-system",
            (
                "images/hub",
                _SBOM,
                "platform/settings",
                "platform/visitor",
                "platform/hub",
                "platform/locks/hub.txt",
            ),
            "hub",
        ),
        Recipe(
            "broker",
            "base-system",
            (
                "images/broker",
                _SBOM,
                "platform/settings",
                "platform/broker",
                "platform/locks/broker.txt",
            ),
            "broker",
        ),
        Recipe(
            "homes",
            "base-system",
            (
                "images/homes",
                _SBOM,
                "platform/settings",
                "platform/homes",
                "platform/locks/homes.txt",
            ),
            "homes",
        ),
        Recipe("proxy", "base-system", ("images/proxy", _SBOM), "proxy"),
        Recipe("firewall", "base-system", ("images/firewall", _SBOM), "firewall"),
        # Last, because it contains the others' bills of materials.
        Recipe(
            "opendata",
            "base-system",
            (
                "images/opendata",
                _SBOM,
                "platform/openkm3",
                "platform/tap",
                "platform/opendata",
                "platform/locks/opendata.txt",
            ),
            "opendata",
        ),
    )
}


def in_order(names: list[str]) -> list[Recipe]:
    """Return the recipes of `names` (all, if empty) and of their parents, parents first.

    Raises
    ------
    RecipeError
        If there is no image of that name.
    """
    chosen: dict[str, Recipe] = {}

    def add(name: str) -> None:
        if name not in RECIPES:
            offered = ", ".join(key for key, recipe in RECIPES.items() if not recipe.target)
            raise RecipeError(f"there is no image {name!r}; choose from: {offered}")
        recipe = RECIPES[name]
        if recipe.parent:
            add(recipe.parent)
        chosen.setdefault(name, recipe)

    for name in names or list(RECIPES):
        add(name)
    return list(chosen.values())


def version() -> str:
    """Return the platform's version: the last tag."""
    return version_of(ROOT)


def all_inputs(recipe: Recipe) -> list[str]:
    """Return the paths that go into the image, including those of its parents."""
    above = all_inputs(RECIPES[recipe.parent]) if recipe.parent else []
    return [*above, *recipe.inputs]


def revision(recipe: Recipe) -> str:
    """Return the last commit that changed an input of the image, and a digest of uncommitted work.

    Not simply HEAD, which would change the label, and so rebuild every image, with every commit.
    `COMMIT-dirty-DIGEST` where there is uncommitted work; `unknown` outside a git checkout.
    """
    inputs = all_inputs(recipe)
    commit = _git("log", "-1", "--format=%H", "--", *inputs).strip()
    if not commit:
        return "unknown"
    newer = _git("diff", "--binary", "HEAD", "--", *inputs)
    for name in _git("ls-files", "-z", "--others", "--exclude-standard", "--", *inputs).split("\0"):
        # A dangling link cannot be hashed; its name counts.
        newer += f"{name}\n" + _git("hash-object", "--", name) if name else ""
    digest = hashlib.sha256(newer.encode(errors="surrogateescape")).hexdigest()[:12]
    return f"{commit}-dirty-{digest}" if newer else commit


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, encoding="utf-8", errors="surrogateescape"
        )
    except FileNotFoundError:
        return ""
    return done.stdout if done.returncode == 0 else ""
