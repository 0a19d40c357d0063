"""Starting and stopping the whole platform: `make up` and `make down`."""
