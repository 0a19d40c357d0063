"""Ways to root on the host, or to containers and volumes of others, by the engine's socket.

Each is one decisive request. On the engine's own socket it works: that is shown first, with objects
that the test made for it. What has been created is never started.
"""

from tests.broker.attempts import containers, engine, networks, others
from tests.broker.attempts.engine import REACHED
from tests.broker.attempts.stage import ATTEMPTS, Stage
from tests.broker.attempts.victims import remove_all, victim

__all__ = [
    "ATTEMPTS",
    "REACHED",
    "Stage",
    "containers",
    "engine",
    "networks",
    "others",
    "remove_all",
    "victim",
]
