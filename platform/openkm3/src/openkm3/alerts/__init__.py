"""KM3NeT's alerts: GCN notices in JSON, VOEvent 2.0 in XML, and a receiver of the feed.

>>> from openkm3 import alerts
>>> alert = alerts.read("alert.json")          # or a VOEvent, or bytes of either
>>> alert.event_details[0].source_zenith       # degrees, from cos_zenith
>>> packet = alert.to_voevent()                # bytes, valid VOEvent 2.0
>>> alerts.from_voevent(packet) == alert
True
>>> for alert in alerts.follow("https://opendata.example.org/alerts/feed.json"):
...     print(alert.ivorn, alert.role)
"""

from openkm3.alerts.alert import Alert, from_voevent
from openkm3.alerts.errors import AlertError, Problem
from openkm3.alerts.feed import follow
from openkm3.alerts.model import Counterpart, NeutrinoEvent
from openkm3.alerts.reading import read
from openkm3.alerts.voevent.validation import validate_voevent
from openkm3.alerts.voevent.writing import to_voevent

__all__ = [
    "Alert",
    "AlertError",
    "Counterpart",
    "NeutrinoEvent",
    "Problem",
    "follow",
    "from_voevent",
    "read",
    "to_voevent",
    "validate_voevent",
]
