"""Sphinx configuration of the documentation site (`make docs`)."""

from __future__ import annotations

import sys
from pathlib import Path

# autodoc changes the annotations of pydantic's base class when it documents a model. No model that
# keeps unknown keys can be defined after that, so those of other pages are defined first.
import openkm3.alerts
import openkm3.annotated
import openkm3.catalogue  # noqa: F401

sys.path.insert(0, str(Path(__file__).parent / "extensions"))

project = "KM3NeT open science platform"
author = "KM3NeT open science platform developers"
copyright = "KM3NeT open science platform developers, BSD 3-Clause"  # noqa: A001

extensions = [
    "measured",
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_click",
    "rest_service",
    "settings_reference",
]

source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
nitpicky = False
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

napoleon_google_docstring = False
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "show-inheritance": True}

html_theme = "furo"
html_title = "KM3NeT open science platform"
html_static_path = ["_static"]
