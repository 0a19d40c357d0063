"""A user's choice before a server starts: an environment and a size.

The rules are here once, for the form, for the API and for addresses with a choice in them
(`/hub/spawn?environment=joint`): JupyterHub hands all three to `apply_user_options`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple, Protocol, TypeVar

from jinja2 import Environment as Templates
from jinja2 import PackageLoader, Template
from jupyterhub.spawner import SpawnException

from km3hub.membership.names import WorkshopError
from km3hub.membership.offer import WorkshopOffer, workshop_offer
from km3settings.menu import Environment, Size
from km3settings.settings import Settings

__all__ = [
    "Choice",
    "ChoiceError",
    "Offer",
    "apply_user_options",
    "choice_of",
    "choose",
    "offered",
    "options_form",
    "options_from_form",
    "template",
]

_KEYS = ("environment", "size")
_Entry = TypeVar("_Entry", Environment, Size)
_NO_WORKSHOP = WorkshopOffer()


class ChoiceError(SpawnException):
    """The choice cannot be started; the message is a sentence for the user.

    JupyterHub answers 400 with that sentence, on the form and by the API. Any other type of
    exception would become "Invalid user options", or 500.
    """

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, reason="choice")
        # The form shows this attribute where there is one, and str(exception) otherwise.
        self.jupyterhub_message = sentence

    def __str__(self) -> str:
        return self.jupyterhub_message


class Offer(NamedTuple):
    """What a user may choose from, in the order of `platform.yaml`."""

    environments: tuple[Environment, ...]
    sizes: tuple[Size, ...]


@dataclass(frozen=True)
class Choice:
    """The chosen environment and size."""

    environment: Environment
    size: Size

    @property
    def names(self) -> dict[str, str]:
        """The choice as spawn options, `{"environment": NAME, "size": NAME}`."""
        return {"environment": self.environment.name, "size": self.size.name}


class _ChoosingSpawner(Protocol):
    platform: Settings
    runtime: Any
    user: Any
    orm_spawner: Any
    user_options: Mapping[str, Any]
    choice: Choice


def offered(
    settings: Settings, groups: Iterable[str], workshop: WorkshopOffer = _NO_WORKSHOP
) -> Offer:
    """Returns what a member of `groups` may choose: entries without groups or with one of these.

    What a workshop offers comes first; for its participants there is nothing else.
    """
    mine = set(groups)
    return Offer(
        _offered(settings.environments, mine, workshop.environments, only=workshop.only),
        _offered(settings.sizes, mine, workshop.sizes, only=workshop.only),
    )


def _offered(
    entries: Sequence[_Entry], mine: set[str], first: Sequence[str], *, only: bool
) -> tuple[_Entry, ...]:
    found: list[_Entry] = [entry for entry in entries if entry.name in first]
    if not only:
        found += [
            e for e in entries if e.name not in first and (not e.groups or mine & set(e.groups))
        ]
    return tuple(found)


def choose(
    settings: Settings,
    groups: Iterable[str],
    user_options: Mapping[str, Any],
    workshop: WorkshopOffer = _NO_WORKSHOP,
) -> Choice:
    """Returns the environment and size in `user_options`, by default the first ones offered.

    Raises
    ------
    ChoiceError
        For an unknown option (only listed environments can be started, so there is none for an
        image), an unknown name, or one that is not for these groups.
    """
    unknown = sorted(str(key) for key in user_options if key not in _KEYS)
    if unknown:
        raise ChoiceError(
            f"Unknown option {_quoted(unknown[0])}. You can only choose an environment and a size"
            " from the menu."
        )
    offer = offered(settings, groups, workshop)
    contact = settings.site.contact
    return Choice(
        _pick("environment", settings.environments, offer.environments, user_options, contact),
        _pick("size", settings.sizes, offer.sizes, user_options, contact),
    )


def _pick(
    kind: str,
    entries: Sequence[_Entry],
    allowed: Sequence[_Entry],
    user_options: Mapping[str, Any],
    contact: str,
) -> _Entry:
    if not allowed:
        raise ChoiceError(f"You have no access to any {kind}. Please ask {contact} for access.")
    if kind not in user_options:
        return allowed[0]
    name = user_options[kind]
    for entry in allowed:
        if entry.name == name:
            return entry
    names = ", ".join(entry.name for entry in allowed)
    if any(entry.name == name for entry in entries):
        raise ChoiceError(
            f"You have no access to the {kind} {_quoted(name)}. You can choose: {names}."
            f" Please ask {contact} for access."
        )
    raise ChoiceError(f"There is no {kind} {_quoted(name)}. You can choose: {names}.")


def _quoted(value: object) -> str:
    # The value comes from outside; a megabyte of it, or a line break, must not reach log or page.
    text = repr(value)
    return text if len(text) <= 42 else text[:40] + "…'"


def options_from_form(formdata: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """Returns the spawn options of a form or an address, where each value is a list.

    Nothing is refused here: `choose` does it, so that form and API follow the same rules.
    """
    options: dict[str, Any] = {}
    for key, values in formdata.items():
        if key != "_xsrf":
            options[key] = values[0] if len(values) == 1 else list(values)
    return options


def options_form(spawner: _ChoosingSpawner) -> str:
    """Returns the form's HTML: radio buttons for each menu, with the last choice selected."""
    settings = spawner.platform
    offer = offered(settings, _groups(spawner), offer_of(spawner))
    last = spawner.orm_spawner.user_options or {}
    return template("options.html").render(
        offer=offer,
        environment=_preselected(offer.environments, last.get("environment")),
        size=_preselected(offer.sizes, last.get("size")),
        enforced=spawner.runtime.mode == "docker",
        shared=getattr(spawner, "shared", False),
        contact=settings.site.contact,
    )


def apply_user_options(spawner: _ChoosingSpawner, user_options: Mapping[str, Any]) -> None:
    """Set `spawner.choice`; the hook `c.Spawner.apply_user_options`.

    Raises
    ------
    ChoiceError
        As `choose`.
    """
    try:
        choice = choice_of(spawner, user_options)
    except ChoiceError:
        # JupyterHub has stored the options already, for the next start that names none.
        spawner.orm_spawner.user_options = {}
        raise
    spawner.choice = choice
    spawner.user_options = spawner.orm_spawner.user_options = choice.names


def choice_of(spawner: _ChoosingSpawner, user_options: Mapping[str, Any]) -> Choice:
    """Returns the environment and size that a spawner's user chose.

    Raises
    ------
    ChoiceError
        As `choose`.
    """
    return choose(spawner.platform, _groups(spawner), user_options, offer_of(spawner))


def offer_of(spawner: _ChoosingSpawner) -> WorkshopOffer:
    """Returns what workshops offer to a spawner's user.

    Raises
    ------
    ChoiceError
        Where that is unknown.
    """
    try:
        return workshop_offer(spawner.runtime.state, _groups(spawner))
    except WorkshopError:
        contact = spawner.platform.site.contact
        raise ChoiceError(
            f"What your workshop offers is unknown at the moment. Please tell {contact}."
        ) from None


def _groups(spawner: _ChoosingSpawner) -> list[str]:
    return [group.name for group in spawner.user.groups] if spawner.user else []


def _preselected(entries: Sequence[Environment] | Sequence[Size], name: object) -> str:
    names = [entry.name for entry in entries]
    if isinstance(name, str) and name in names:
        return name
    return names[0] if names else ""


@cache
def template(name: str) -> Template:
    """Returns a template of a part of the spawn form."""
    templates = Templates(
        loader=PackageLoader("km3hub.pages"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    templates.filters["amount"] = _amount
    templates.filters["cores"] = _cores
    return templates.get_template(name)


def _amount(memory: str) -> str:
    """Returns `2 GB` for `2G`."""
    return f"{memory[:-1]} {memory[-1]}B"


def _cores(cpu: float) -> str:
    """Returns `1 core`, `0.5 cores`, `2 cores`."""
    return f"{cpu:g} {'core' if cpu == 1 else 'cores'}"
