"""A user's visit to the platform as a program makes it: login, server, kernel, notebook."""
