"""The hub's configuration, one file per topic. Each function only sets values on `c`."""
