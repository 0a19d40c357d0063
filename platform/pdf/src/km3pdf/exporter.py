"""nbconvert's format `pdf`: the notebook as HTML, and that drawn on pages by WeasyPrint."""

from __future__ import annotations

import ctypes
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import pass_context
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbconvert.utils.exceptions import ConversionException
from traitlets import Integer, Unicode, default
from traitlets.config import Config

if TYPE_CHECKING:
    from jinja2.runtime import Context
    from nbformat import NotebookNode

__all__ = ["RenderingError", "WeasyPrintExporter"]

#: What WeasyPrint loads from the system; Debian: libpango-1.0-0, libpangoft2-1.0-0.
LIBRARIES = ("libpango-1.0.so.0", "libpangoft2-1.0.so.0")
#: Exit code of `python -m km3pdf` when its last line on stderr is a message for the user.
REFUSED = 3


class RenderingError(ConversionException):
    """The pages could not be drawn; the message says why."""


class _MarkedFormulas(IPythonRenderer):
    """Markdown's formulas in elements of their own, which no dollar of the text is taken for."""

    def inline_math(self, body: str) -> str:
        return f'<span class="tex">{super().inline_math(body)}</span>'

    def block_math(self, body: str) -> str:
        return f'<span class="tex">{super().block_math(body)}</span>'

    def latex_environment(self, name: str, body: str) -> str:
        return f'<span class="tex">{super().latex_environment(name, body)}</span>'


class WeasyPrintExporter(HTMLExporter):
    """Exports a notebook as PDF: text, code, formulas, tables, figures and errors.

    The pages are drawn in a process of its own: it takes seconds of computing and a few hundred
    megabytes, neither of which a user's JupyterLab server should keep.
    """

    export_from_notebook = "PDF"
    output_mimetype = "application/pdf"

    python = Unicode(
        sys.executable, help="The Python that draws the pages; it must have WeasyPrint and ziamath."
    ).tag(config=True)
    time_limit = Integer(900, help="Seconds that drawing the pages may take.").tag(config=True)

    @default("enabled")
    def _enabled_default(self) -> bool:
        return _has_weasyprint(Path(self.python)) and _has_pango()

    @default("file_extension")
    def _file_extension_default(self) -> str:
        return ".pdf"

    @default("template_name")
    def _template_name_default(self) -> str:
        return "pages"

    @default("template_extension")
    def _template_extension_default(self) -> str:
        return ".html.j2"

    @default("extra_template_basedirs")
    def _default_extra_template_basedirs(self) -> list[str]:
        return [str(Path(__file__).parent / "templates")]

    @property
    def default_config(self) -> Config:
        """Return settings of the HTML exporter that suit paper."""
        config = Config(
            {
                "NbConvertBase": {
                    # Pictures first: scripts and widgets beside them do nothing on paper.
                    "display_data_priority": [
                        "image/svg+xml",
                        "image/png",
                        "image/jpeg",
                        "text/html",
                        "text/markdown",
                        "text/latex",
                        "text/plain",
                    ]
                },
            }
        )
        inherited: Config = super().default_config.copy()
        inherited.merge(config)
        return inherited

    @pass_context
    def markdown2html(self, context: Context, source: str) -> str:
        """Return HTML from Markdown, with pictures in it and formulas marked."""
        renderer = _MarkedFormulas(
            escape=False,
            embed_images=True,
            exclude_anchor_links=True,
            attachments=context.get("cell", {}).get("attachments", {}),
            path=context.get("resources", {}).get("metadata", {}).get("path", ""),
        )
        return str(MarkdownWithMath(renderer=renderer).render(source))

    def from_notebook_node(  # type: ignore[override]
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, **kw: Any
    ) -> tuple[bytes, dict[str, Any]]:
        """Return the PDF of a notebook, and nbconvert's resources.

        Raises
        ------
        RenderingError
            If the pages cannot be drawn.
        """
        html, resources = super().from_notebook_node(nb, resources, **kw)
        folder = resources.get("metadata", {}).get("path") or ""
        # With these nbconvert would pack a zip file; all pictures are in the PDF.
        resources.pop("outputs", None)
        resources.pop("attachments", None)
        return self._draw(html, folder), resources

    def _draw(self, html: str, folder: str) -> bytes:
        base = Path(folder).absolute().as_uri() + "/"
        # Isolated and in an empty folder: no file beside the notebook is taken for a module.
        command = [self.python, "-I", "-m", "km3pdf", base]
        with tempfile.TemporaryDirectory(prefix="km3pdf-") as empty:
            try:
                done = subprocess.run(
                    command,
                    input=html.encode("utf-8", "replace"),
                    capture_output=True,
                    cwd=empty,
                    timeout=self.time_limit,
                )
            except subprocess.TimeoutExpired:
                raise RenderingError(
                    f"Drawing the pages took more than {self.time_limit} seconds and was stopped. "
                    "Clear large outputs, or export as HTML."
                ) from None
            except OSError as error:
                raise RenderingError(f"{self.python} cannot be run: {error.strerror}.") from None
        if done.returncode:
            words = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no message"]
            self.log.debug("km3pdf: %s", "\n".join(words))
            if done.returncode == REFUSED:
                raise RenderingError(words[-1])
            raise RenderingError(
                f"Drawing the pages failed (exit code {done.returncode}: {words[-1]}). "
                "Export as HTML instead, and print that from a browser."
            )
        return done.stdout


def _has_weasyprint(python: Path) -> bool:
    """Whether the environment of an interpreter has WeasyPrint; asks the disk, runs nothing."""
    if str(python) == sys.executable:
        from importlib.util import find_spec

        return find_spec("weasyprint") is not None
    return any(python.parent.parent.glob("lib/python3*/site-packages/weasyprint/__init__.py"))


def _has_pango() -> bool:
    try:
        for name in LIBRARIES:
            ctypes.CDLL(name)
    except OSError:
        return False
    return True
