"""Limits of what strangers can make the Open Data Center store."""

from __future__ import annotations

from pydantic import Field, field_validator

from km3settings.amounts import Memory, in_bytes
from km3settings.egress import Network
from km3settings.section import Section

__all__ = ["SHARED", "PortalLimits", "TapLimits"]

#: What the portal does without a setting: of all clients together, and of one (adqlite.Limits).
SHARED: dict[str, tuple[int, int]] = {
    "stored": (10_000_000_000, 2_500_000_000),
    "spool": (4_000_000_000, 1_500_000_000),
    "jobs": (500, 50),
}


#: The portal refuses to start with more.
_LARGEST_UPLOAD = 100_000 * 2**20


class TapLimits(Section):
    """Limits of the TAP service per client (account or address) and in all; null: the default."""

    stored: Memory | None = None
    """Results and uploads of all jobs together; default 10 GB."""
    client_stored: Memory | None = None
    """Results and uploads of one client's jobs; default 2.5 GB."""
    spool: Memory | None = None
    """Temporary space for requests and results of all clients together; default 4 GB."""
    client_spool: Memory | None = None
    """Temporary space for requests and results of one client; default 1.5 GB."""
    result: Memory | None = None
    """The largest result; default 1 GB."""
    upload: Memory | None = None
    """The largest uploaded table; default 32 MB."""
    temporary: Memory | None = None
    """Disk space for sorting; default 2 GB."""
    jobs: int | None = Field(default=None, ge=1)
    """Jobs kept at the same time; default 500."""
    client_jobs: int | None = Field(default=None, ge=1)
    """Jobs of one client kept at the same time; default 50."""
    job_days: float | None = Field(default=None, gt=0, le=3650)
    """Days until a job is deleted; default 7."""
    pending_minutes: float | None = Field(default=None, gt=0, le=525_600)
    """Minutes until a job that nobody starts is deleted; default 60."""
    parallel_jobs: int | None = Field(default=None, ge=1, le=64)
    """Jobs running at the same time; default 2."""
    parallel_queries: int | None = Field(default=None, ge=1, le=64)
    """Synchronous queries at the same time; default 4."""
    rows: int | None = Field(default=None, ge=1)
    """The most rows of a result; default 2000000."""
    sync_seconds: float | None = Field(default=None, gt=0, le=3600)
    """Run time of a synchronous query in seconds; default 30."""
    async_seconds: int | None = Field(default=None, ge=1, le=604_800)
    """Run time of a job in seconds; default 600."""
    upload_refused: tuple[Network, ...] = ()
    """Public networks from which no table is fetched, e.g. the site's own NAT64 prefix."""

    def used_up_by_one(self) -> list[str]:
        """Returns the limits of all clients that one client alone can use up, by key."""

        def number(value: str | int | None, default: int) -> int:
            return in_bytes(value) if isinstance(value, str) else value or default

        return [
            key
            for key, (together, one) in SHARED.items()
            if number(getattr(self, f"client_{key}"), one) >= number(getattr(self, key), together)
        ]

    def as_variable(self) -> str:
        """Returns the limits that are set, as `OPENDATA_TAP_LIMITS` expects them."""
        words = []
        for key, value in self.model_dump(exclude_defaults=True).items():
            if key == "upload_refused":
                words.append(f"{key}={','.join(value)}")
            elif isinstance(value, str):
                words.append(f"{key}_bytes={in_bytes(value)}")
            else:
                words.append(f"{key}={value}")
        return " ".join(words)


class PortalLimits(Section):
    """Limits of what visitors and curators can store; null: the portal's default."""

    upload: Memory | None = None
    """The largest file or table that can be uploaded; default 100 MB."""
    requests: Memory | None = None
    """Request bodies of all clients at the same time; default 4 GB, a quarter of it per client."""
    drafts: Memory | None = None
    """Files in the drafts of one account; default 100 GB."""
    free: Memory | None = None
    """Space that stays free on the disk, at most a twentieth of it; default 500 MB."""
    tap: TapLimits = TapLimits()

    @field_validator("upload")
    @classmethod
    def _can_be_uploaded(cls, value: Memory) -> Memory:
        if in_bytes(value) > _LARGEST_UPLOAD:
            raise ValueError("must be at most 97G; publish larger files with `opendata import`")
        return value

    def environment(self) -> dict[str, str]:
        """Returns the portal's variables (`platform/opendata/README.md`); empty: its default."""

        def amount(value: Memory | None, unit: int) -> str:
            # Rounded up, so that no amount becomes nothing.
            return str(-(-in_bytes(value) // unit)) if value else ""

        tap = self.tap.as_variable()
        if self.free:
            tap = f"{tap} free_bytes={in_bytes(self.free)}".strip()
        return {
            "OPENDATA_UPLOAD_MB": amount(self.upload, 2**20),
            "OPENDATA_SPOOL_MB": amount(self.requests, 2**20),
            "OPENDATA_DRAFTS_GB": f"{in_bytes(self.drafts) / 1e9:.9g}" if self.drafts else "",
            "OPENDATA_FREE_MB": amount(self.free, 2**20),
            "OPENDATA_TAP_LIMITS": tap,
        }
