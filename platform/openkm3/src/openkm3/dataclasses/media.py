"""Sounds and figures."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from ..errors import FormatError
from .resource import KM3Object


class AcousticSample(KM3Object):
    """Sound in a wav file; :attr:`data` are the samples, one column per channel if several."""

    @cached_property
    def rate(self) -> int:
        """Samples per second."""
        return self._read()[0]

    @cached_property
    def data(self) -> Any:
        """The samples."""
        return self._read()[1]

    def _read(self) -> tuple[int, Any]:
        import wave

        widths = {1: "u1", 2: "<i2", 4: "<i4"}
        try:
            with wave.open(str(self.path)) as file:
                samples = np.frombuffer(
                    file.readframes(file.getnframes()), dtype=widths[file.getsampwidth()]
                )
                channels = file.getnchannels()
                shaped = samples.reshape(-1, channels) if channels > 1 else samples
                return file.getframerate(), shaped
        except (wave.Error, EOFError, KeyError, ValueError) as error:
            raise FormatError(self.path, f"cannot be read as wav: {error}") from error


class Plot(KM3Object):
    """A finished figure, which a notebook displays."""

    def _repr_png_(self) -> bytes | None:
        content = self.data
        return content if content.startswith(b"\x89PNG") else None

    def _repr_svg_(self) -> str | None:
        start = self.data[:512].lstrip()
        return self.data.decode("utf-8", "replace") if start.startswith(b"<") else None
