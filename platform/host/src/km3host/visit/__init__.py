"""A user's visit to the hub: log in, start a server, run a cell. Runs in the hub's image."""
