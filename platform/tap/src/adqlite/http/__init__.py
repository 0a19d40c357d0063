"""TAP, UWS and cone search over HTTP, for any web framework.

:data:`~adqlite.http.routes.ROUTES` lists the addresses; :func:`~adqlite.http.routes.answer` turns a
:class:`~adqlite.http.messages.Request` into a :class:`~adqlite.http.messages.Response`.
:mod:`adqlite.http.asgi` does so for ASGI servers.
"""
