"""The only program of the platform that talks to the Docker Engine on behalf of the hub.

Whoever can use the engine's own socket is root on the host. Hub and keeper therefore use the
broker's socket, which understands the same requests, passes on the few that they need, and refuses
all others.
"""
