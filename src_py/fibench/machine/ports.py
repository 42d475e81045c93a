# SPDX-License-Identifier: BSD-3-Clause
"""TCP ports of this machine: which are free, who listens on them."""

import errno
import ipaddress
import os
import secrets
import socket
from collections.abc import Iterable
from pathlib import Path

from fibench.machine.processes import all_pids, name_of
from fibench.machine.sockets import ListeningSocket, listeners

LOWEST_FREE_PORT = 10_000
"""Where the search for a free port begins: well-known ports are left alone."""
FREE_PORT_ATTEMPTS = 100


def free_port(host: str) -> int:
    """Find a port that a server can bind, with or without SO_REUSEADDR.

    It lies below the range that the kernel takes source ports from: the many connections of a load
    generator can then never hold the port of the next server.
    Raises OSError if `host` is no address of this machine.
    """
    lowest_source = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    if lowest_source > LOWEST_FREE_PORT:
        for _ in range(FREE_PORT_ATTEMPTS):
            port = LOWEST_FREE_PORT + secrets.randbelow(lowest_source - LOWEST_FREE_PORT)
            try:
                return bind_once(host, port, reuse_address=False)
            except OSError as error:
                if not is_taken(error):
                    raise
    return bind_once(host, 0, reuse_address=False)


def bind_once(host: str, port: int, *, reuse_address: bool) -> int:
    """Bind a socket and close it again; returns its port. Raises OSError as bind(2) does."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(reuse_address))
        probe.bind(address)
        bound: int = probe.getsockname()[1]
        return bound


def is_taken(error: OSError) -> bool:
    """Whether bind(2) failed because the port is in use."""
    return error.errno == errno.EADDRINUSE


def reached_by(host: str, port: int) -> list[ListeningSocket]:
    """The listening sockets that a connection to host:port can reach: those that match it best.

    The address itself goes before the wildcard of its family, and that before the IPv6 wildcard.
    There are several where sockets share the port by SO_REUSEPORT.
    """
    wanted = ipaddress.ip_address(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4][0])
    ranked: dict[int, list[ListeningSocket]] = {}
    for listener in listeners():
        if listener.port != port:
            continue
        if listener.address == wanted:
            ranked.setdefault(0, []).append(listener)
        elif listener.address.is_unspecified and listener.address.version == wanted.version:
            ranked.setdefault(1, []).append(listener)
        elif listener.address.is_unspecified and listener.address.version == 6:
            ranked.setdefault(2, []).append(listener)
    return ranked[min(ranked)] if ranked else []


def sockets_of(pids: Iterable[int]) -> dict[int, int]:
    """The sockets that processes hold: inode to one of the processes that hold it.

    What belongs to other users, and may not be looked at, is missing.
    """
    found: dict[int, int] = {}
    for pid in pids:
        try:
            descriptors = os.listdir(f"/proc/{pid}/fd")
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        for descriptor in descriptors:
            try:
                target = os.readlink(f"/proc/{pid}/fd/{descriptor}")
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
            if target.startswith("socket:["):
                found.setdefault(int(target[8:-1]), pid)
    return found


def holder_of(host: str, port: int) -> str:
    """Who listens on a port, in words: ` by NAME (pid N)`; empty if it cannot be known."""
    wanted = [listener.inode for listener in reached_by(host, port)]
    if not wanted:
        wanted = [listener.inode for listener in listeners() if listener.port == port]
    owners = sockets_of(all_pids()) if wanted else {}
    for inode in wanted:
        if inode in owners:
            pid = owners[inode]
            return f" by {ascii(name_of(pid))[1:-1]} (pid {pid})"
    return ""
