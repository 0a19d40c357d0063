#!/usr/bin/env python3
"""Chromium that hears of no change of the machine's networks.

Other tests' containers make networks appear and disappear, and at each change Chromium gives up
every request it has begun, those to loopback too (ERR_NETWORK_CHANGED). It has no switch against
that, but without the kernel's netlink sockets it hears of no change, so the C library's seccomp
companion, libseccomp, refuses them to this process before it becomes Chromium.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import socket
import sys

ALLOW = 0x7FFF0000
REFUSE = 0x00050000 | errno.EAFNOSUPPORT
EQUAL = 4


class Comparison(ctypes.Structure):
    """The `scmp_arg_cmp` of seccomp_rule_add(3): one argument of a system call, and a value."""

    _fields_ = (
        ("argument", ctypes.c_uint),
        ("operator", ctypes.c_int),
        ("value", ctypes.c_uint64),
        ("second", ctypes.c_uint64),
    )


def find() -> str | None:
    """The path of the machine's Chromium."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


def refuse_netlink() -> None:
    """Refuse new netlink sockets to this process and to all that come from it."""
    library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    library.seccomp_init.restype = ctypes.c_void_p
    rules = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(ALLOW)))
    call = library.seccomp_syscall_resolve_name(b"socket")
    netlink = (Comparison * 1)(Comparison(0, EQUAL, socket.AF_NETLINK, 0))
    added = library.seccomp_rule_add_array(rules, ctypes.c_uint32(REFUSE), call, 1, netlink)
    if added or library.seccomp_load(rules):
        raise OSError("libseccomp did not take the rule against netlink sockets")


if __name__ == "__main__":
    refuse_netlink()
    program = find()
    assert program, "Chromium is missing; run: make tools"
    os.execv(program, [program, *sys.argv[1:]])  # noqa: S606 - the arguments are ours
