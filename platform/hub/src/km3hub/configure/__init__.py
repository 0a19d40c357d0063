"""The hub's configuration, one file a topic. Each function only sets values on `c`."""
