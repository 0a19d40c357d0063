"""Personal data: how long they are kept, and the site's own policy."""

from __future__ import annotations

from pydantic import Field

from km3settings.section import Address, Section

__all__ = ["Privacy"]


class Privacy(Section):
    """How long logs are kept, and what the privacy pages refer to."""

    log_days: int = Field(default=30, ge=1, le=3650)
    """Days after which log entries are deleted: hub, users' servers, portal and web server."""
    policy_url: Address | None = None
    """The site's own privacy policy; the privacy pages link to it."""
