"""The Docker Engine, as far as the broker lets the hub use it (`platform/broker`)."""

from __future__ import annotations

import docker
from docker.errors import APIError, DockerException
from docker.utils import kwargs_from_env
from requests.exceptions import RequestException

__all__ = ["API_VERSION", "NO_ENGINE", "broker_trouble", "engine"]

#: The oldest version that the broker passes on; the engines of Debian 12 and later have it.
API_VERSION = "1.41"
#: The broker's answers where the engine is away, or takes too long.
NO_ENGINE = (502, 504)


def engine(*, version: str = "auto", timeout: int = 60) -> docker.APIClient:
    """Returns a client of the socket that `DOCKER_HOST` names.

    Parameters
    ----------
    version
        Of the engine's API; `auto` asks the engine.
    timeout
        Seconds to wait for an answer.

    Raises
    ------
    DockerException
        Where nothing answers, with `auto`.
    """
    # Without this the client takes the usual socket, which the hub's container does not have.
    return docker.APIClient(version=version, timeout=timeout, **kwargs_from_env())


def broker_trouble(*, timeout: int = 10) -> str:
    """Returns why the broker does not answer; empty where it does, with or without an engine."""
    client = engine(version=API_VERSION, timeout=timeout)
    try:
        client.ping()
    except APIError as error:
        return "" if error.status_code in NO_ENGINE else str(error.explanation)
    except (DockerException, RequestException, OSError) as error:
        return str(error)
    finally:
        client.close()
    return ""
