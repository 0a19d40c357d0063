"""How the limits of homes are enforced on this machine (containers)."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import docker

from km3settings.disks import HomesChoice, HomesError, Kept, choose_homes
from km3settings.names import Names
from km3settings.settings import Settings
from km3settings.state import State
from km3up.failure import Failure
from km3up.images import has_image, name_of

__all__ = ["HomesLimits"]


class HomesLimits:
    """Chooses what enforces the limits, and remembers it: homes stay with what made them.

    Parameters
    ----------
    client
        The Docker Engine.
    state
        The state folder, which keeps the choice.
    names
        The names of the project.
    """

    #: Settings that apply while the platform runs, without `make up`.
    APPLIED = ("homes.group_quotas", "homes.quota", "homes.scratch.purge_days")

    def __init__(self, client: docker.DockerClient, state: State, names: Names) -> None:
        self._client = client
        self._file = state.run / "homes"
        self._names = names

    @property
    def _volumes(self) -> Path:
        return Path(self._client.info()["DockerRootDir"]) / "volumes"

    @property
    def kept(self) -> Kept:
        """What the platform was started with before."""
        try:
            found = self._file.read_text(encoding="utf-8").strip()
        except OSError:
            return ""
        return found if found in get_args(Kept) else ""  # type: ignore[return-value]

    def choose(self, settings: Settings) -> HomesChoice | None:
        """Returns what enforces the limits; None: there are none.

        Raises
        ------
        Failure
            If the settings name a backend that this machine does not offer.
        """
        mountinfo = Path("/proc/self/mountinfo")
        try:
            return choose_homes(
                settings,
                self._volumes,
                mountinfo.read_text(encoding="utf-8") if mountinfo.exists() else "",
                loops=Path("/dev/loop-control").exists(),
                kept=self.kept,
            )
        except HomesError as error:
            raise Failure(str(error)) from None

    def keep(self, choice: HomesChoice | None) -> None:
        """Remember a choice that is in effect now."""
        if choice and (choice.backend != "none" or not self.kept):
            self._file.write_text(choice.backend, encoding="utf-8")

    def remove(self) -> None:
        """Delete all homes, which Docker could not do while they are mounted."""
        image = name_of("homes")
        if self.kept in ("", "none") or not has_image(self._client, image):
            return
        propagation = ":rshared" if self.kept == "image" else ""
        self._client.containers.run(
            image,
            ["km3homes", "remove"],
            environment={"KM3_PROJECT": self._names.project},
            volumes=[f"{self._volumes}:/volumes{propagation}"],
            network_mode="none",
            userns_mode="host",
            cap_drop=["ALL"],
            cap_add=["SYS_ADMIN", "CHOWN", "DAC_OVERRIDE", "FOWNER", "MKNOD"],
            security_opt=["apparmor:unconfined"],
            remove=True,
        )
        self._file.unlink(missing_ok=True)
