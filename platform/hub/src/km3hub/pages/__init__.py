"""The hub's pages: templates, style, scripts and the banner."""
