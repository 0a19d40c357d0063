"""The feed of alerts as Atom (RFC 4287)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django.utils.feedgenerator import Atom1Feed
from django.utils.html import escape

from opendata.alerts.models import Notice
from opendata.exports.addresses import absolute
from opendata.records.texts import cleaned


class _Alerts(Atom1Feed):
    """Django's Atom feed, with each alert's VOEvent beside its page."""

    def add_item_elements(self, handler: Any, item: dict[str, Any]) -> None:
        super().add_item_elements(handler, item)
        link = {"rel": "alternate", "type": "application/xml", "href": item["voevent"]}
        handler.addQuickElement("link", "", link)

    def latest_post_date(self) -> datetime:
        """Returns when the last alert was issued; a feed without alerts never changes."""
        return super().latest_post_date() if self.items else datetime.fromtimestamp(0, UTC)


def atom(notices: Iterable[Notice]) -> str:
    """Returns alerts as an Atom document."""
    feed = _Alerts(
        title="KM3NeT alerts",
        link=absolute("alerts/"),
        description="",
        author_name="KM3NeT",
        feed_url=absolute("alerts/feed.xml"),
        feed_guid=absolute("alerts/"),
    )
    for notice in notices:
        kind = ", ".join(filter(None, (notice.role, notice.alert_type)))
        assert notice.issued is not None  # noqa: S101 - only published alerts are in the feed
        feed.add_item(
            title=cleaned(f"{notice.event_name} ({kind})"),
            link=absolute(f"alerts/{notice.pk}/"),
            description=escape(cleaned(_summary(notice))),  # which the feed declares as HTML
            unique_id=cleaned(notice.ivorn),
            updateddate=notice.issued.replace(microsecond=0),
            voevent=absolute(f"alerts/{notice.pk}.xml"),
        )
    return str(feed.writeString("utf-8"))


def _summary(notice: Notice) -> str:
    coordinates = (("ra", notice.ra), ("dec", notice.dec))
    place = [f"{name} {value:g} deg" for name, value in coordinates if value is not None]
    # Every part may be unknown: an alert has no position until it is reconstructed.
    when = " ".join(filter(None, (notice.instrument, notice.trigger_time)))
    return ", ".join(filter(None, (when, *place)))
