"""Limits of requests."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


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
    job_days: float = Field(default=7, gt=0, description="days until a job is deleted")
    result_bytes: int = Field(
        default=1_000_000_000, gt=0, description="size of one result in bytes"
    )
    upload_bytes: int = Field(
        default=32_000_000, gt=0, description="size of one uploaded table in bytes"
    )
    upload_rows: int = Field(default=200_000, gt=0, description="rows of one uploaded table")
    upload_columns: int = Field(default=200, gt=0, description="columns of one uploaded table")
    upload_tables: int = Field(default=8, gt=0, description="tables uploaded with one query")
    temporary_bytes: int = Field(
        default=2_000_000_000, gt=0, description="disk space for sorting in bytes"
    )
    memory_bytes: int = Field(
        default=256_000_000, gt=0, description="heap of SQLite in one process in bytes"
    )
