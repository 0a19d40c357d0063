"""Limits of requests."""

from __future__ import annotations

from ipaddress import ip_network

from pydantic import BaseModel, ConfigDict, Field, field_validator


class Limits(BaseModel):
    """Limits of the services; the defaults suit a small machine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    default_rows: int = Field(default=20_000, gt=0, description="rows without MAXREC")
    rows: int = Field(default=2_000_000, gt=0, description="rows, also with MAXREC")
    sync_seconds: float = Field(
        default=30, gt=0, description="run time of a synchronous query in seconds"
    )
    async_seconds: int = Field(default=600, gt=0, description="run time of a job in seconds")
    parse_seconds: float = Field(default=8, gt=0, description="time to parse a query in seconds")
    query_characters: int = Field(
        default=20_000, gt=0, description="length of a query in characters"
    )
    nesting: int = Field(default=40, gt=0, description="depth of parentheses in a query")
    parallel_queries: int = Field(
        default=4, gt=0, description="synchronous queries at the same time"
    )
    parallel_jobs: int = Field(
        default=2, gt=0, description="jobs running at the same time in one process"
    )
    jobs: int = Field(default=500, gt=0, description="jobs kept at the same time")
    client_jobs: int = Field(
        default=50, gt=0, description="jobs of one client kept at the same time"
    )
    job_days: float = Field(default=7, gt=0, description="days until a job is deleted")
    pending_minutes: float = Field(
        default=60, gt=0, description="minutes until a job that nobody starts is deleted"
    )
    job_attempts: int = Field(
        default=3, gt=0, description="times that a job is started if the service ends meanwhile"
    )
    stored_bytes: int = Field(
        default=10_000_000_000,
        gt=0,
        description="results and uploads of all jobs together in bytes",
    )
    client_stored_bytes: int = Field(
        default=2_500_000_000,
        gt=0,
        description="results and uploads of one client's jobs in bytes",
    )
    spool_bytes: int = Field(
        default=4_000_000_000,
        gt=0,
        description="temporary space for requests and results, of all clients together, in bytes",
    )
    client_spool_bytes: int = Field(
        default=1_500_000_000,
        gt=0,
        description="temporary space for requests and results of one client in bytes",
    )
    free_bytes: int = Field(
        default=500_000_000,
        ge=0,
        description="space that jobs leave free on the disk in bytes, at most a twentieth of it",
    )
    result_bytes: int = Field(
        default=1_000_000_000, gt=0, description="size of one result in bytes"
    )
    upload_bytes: int = Field(
        default=32_000_000, gt=0, description="size of one uploaded table in bytes"
    )
    upload_rows: int = Field(default=200_000, gt=0, description="rows of one uploaded table")
    upload_columns: int = Field(default=200, gt=0, description="columns of one uploaded table")
    upload_cells: int = Field(
        default=5_000_000, gt=0, description="cells of all tables uploaded with one query"
    )
    upload_tables: int = Field(default=8, gt=0, description="tables uploaded with one query")
    upload_refused: tuple[str, ...] = Field(
        default=(),
        description="networks from which no upload is fetched, besides those that are not public; "
        "with commas on the command line, for example a site's own NAT64 prefix",
    )
    temporary_bytes: int = Field(
        default=2_000_000_000, gt=0, description="disk space for sorting in bytes"
    )
    memory_bytes: int = Field(
        default=256_000_000, gt=0, description="heap of SQLite in one process in bytes"
    )

    @field_validator("upload_refused", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("upload_refused")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            try:
                ip_network(text)
            except ValueError:
                raise ValueError(f"{text!r} is not a network such as 2001:db8:64::/96") from None
        return value
