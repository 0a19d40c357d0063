"""Stopping a server and starting it again, with the same size or a larger one."""
