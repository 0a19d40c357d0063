"""Ways to fill the portal."""
