"""Starting and stopping the whole platform: `make up` and `make down`."""

__version__ = "0.1.0"
