"""Keeping users' servers apart from the hub's pages, with host names of their own or without."""
