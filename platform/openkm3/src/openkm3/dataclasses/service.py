"""Tables in the Virtual Observatory."""

from __future__ import annotations

import re
import warnings
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..errors import MissingPackage, OpenKM3Error, ServerError
from ..messages import log
from .resource import KM3Object

if TYPE_CHECKING:
    import pandas as pd
    from pyvo.dal import SCSService, TAPService

    from .session import GuardedSession

#: Most rows requested from a service at once.
_MOST_ROWS = 10_000_000


class SCSServiceVO(KM3Object):
    """A table in the Virtual Observatory, to be searched with pyvo or loaded as a whole."""

    def get_tap(self) -> TAPService:
        """Return pyvo's TAP service."""
        return self._pyvo().TAPService(self._address("tap"), session=self._session())

    def get_scs(self) -> SCSService:
        """Return pyvo's cone search service."""
        return self._pyvo().SCSService(self._address("scs"), session=self._session())

    @property
    def table(self) -> str:
        """The table's name in ADQL, e.g. ``ant20_01.main``."""
        name = self.entry.service.table if self.entry.service else None
        if not name or not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)?", name):
            raise OpenKM3Error(
                f"{self.identifier}: the catalogue does not name a table of the service"
            )
        return name

    @cached_property
    def data(self) -> Any:
        """The full table as pandas DataFrame."""
        return self.get_dataframe()

    def get_dataframe(self) -> pd.DataFrame:
        """Return the full table; column names are in lower case.

        It is read from the published file if there is one, which works offline from the cache, and
        otherwise from the TAP service.
        """
        from ..formats.dataset import frame

        if self.entry.url:
            from ..formats import read

            result = frame(read(self.path).main_table()[1])
        else:
            result = self._query_all()
        result.columns = [str(name).lower() for name in result.columns]
        return result

    def _query_all(self) -> pd.DataFrame:
        from ..formats.dataset import frame

        query = f"SELECT * FROM {self.table}"  # noqa: S608 - the name was checked
        dal = self._pyvo()
        try:
            # A table truncated at the service's limit must not pass for the full one.
            with warnings.catch_warnings():
                warnings.simplefilter("error", dal.DALOverflowWarning)
                result = self.get_tap().run_sync(query, maxrec=_MOST_ROWS)
        except dal.DALOverflowWarning:
            raise OpenKM3Error(
                f"{self.table} has more rows than the service returns at once: select some of them "
                "with get_tap()"
            ) from None
        except dal.DALAccessError as error:
            # pyvo wraps what the session raised.
            if isinstance(error.__context__, OpenKM3Error):
                raise error.__context__ from None
            raise ServerError(f"{self._address('tap')}: {error}") from error
        return frame(result.to_table())

    def show_paraminfo(self) -> None:
        """Print the name, description and columns of the table."""
        dal = self._pyvo()
        try:
            service = self.get_scs()
            _ = service.columns  # a request, so that an error comes before any output
        except dal.DALAccessError as error:
            log.warning("The service does not answer; this is from the catalog: %s", error)
            super().show_paraminfo()
            return
        print(f"Table: {self.table}")
        service.describe()

    def _address(self, kind: str) -> str:
        address = getattr(self.entry.service, kind, None) if self.entry.service else None
        if not address:
            raise OpenKM3Error(f"{self.identifier} has no {kind.upper()} service")
        return self._library.reachable(address)

    def _session(self) -> GuardedSession:
        from .session import GuardedSession

        return GuardedSession(self._library.hosts, self._library.cache.limit)

    @staticmethod
    def _pyvo() -> Any:
        try:
            import pyvo.dal
        except ImportError:
            raise MissingPackage("Searching the Virtual Observatory", "vo") from None
        return pyvo.dal
