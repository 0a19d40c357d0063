"""Clients and validators find the same services in Django as stand-alone."""

from ...tap.test_capabilities import *  # noqa: F403
from ...tap.test_clients import *  # noqa: F403
from ...tap.test_stilts import *  # noqa: F403
