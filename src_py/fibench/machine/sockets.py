# SPDX-License-Identifier: BSD-3-Clause
"""The listening TCP sockets of this network namespace.

The kernel is asked by sock_diag(7), which looks at listening sockets alone. Where it does not
answer that, /proc/net/tcp and tcp6 are read: the same facts, but the kernel then walks over all
connections, for tens of milliseconds after a load has left its thousands in TIME_WAIT.
"""

import ipaddress
import os
import socket
import struct
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

NETLINK_SOCK_DIAG = 4
SOCK_DIAG_BY_FAMILY = 20
NLM_F_REQUEST_DUMP = 0x301
NLMSG_ERROR, NLMSG_DONE = 2, 3
TCP_LISTEN = 10
ACCEPTS = 1 << 16
"""In the flags of a Unix socket: __SO_ACCEPTCON."""


@dataclass(frozen=True)
class ListeningSocket:
    """A listening socket; `inode` names it among the descriptors of processes."""

    address: Address
    port: int
    inode: int
    backlog: int | None = field(default=None, compare=False)
    """How many connections may wait to be accepted, listen(2); None: the kernel does not say."""

    def __str__(self) -> str:
        host = f"[{self.address}]" if self.address.version == 6 else str(self.address)
        return f"{host}:{self.port}"


def listeners() -> list[ListeningSocket]:
    """All listening sockets, IPv4 first."""
    try:
        return [*listeners_by_diag(socket.AF_INET), *listeners_by_diag(socket.AF_INET6)]
    except OSError:
        return [*listeners_in("/proc/net/tcp"), *listeners_in("/proc/net/tcp6")]


def listeners_by_diag(family: int) -> list[ListeningSocket]:
    """Ask the kernel by netlink. Raises OSError where it does not answer such questions."""
    # struct inet_diag_req_v2: family, protocol, extensions, padding, states, and no socket in it.
    question = struct.pack("=BBBxI", family, socket.IPPROTO_TCP, 0, 1 << TCP_LISTEN) + bytes(48)
    header = struct.pack(
        "=IHHII", 16 + len(question), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST_DUMP, 1, 0
    )
    found: list[ListeningSocket] = []
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as netlink:
        netlink.send(header + question)
        while True:
            for kind, message in _messages(netlink.recv(1 << 16)):
                if kind == NLMSG_DONE:
                    return found
                if kind == NLMSG_ERROR:
                    (code,) = struct.unpack_from("=i", message)
                    raise OSError(-code, os.strerror(-code))
                found.append(_listener(message))


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data):
        length, kind = struct.unpack_from("=IH", data, at)
        yield kind, data[at + 16 : at + length]
        at += (length + 3) & ~3


def _listener(message: bytes) -> ListeningSocket:
    """Read a struct inet_diag_msg."""
    (port,) = struct.unpack_from("!H", message, 4)
    size = 4 if message[0] == socket.AF_INET else 16
    backlog, _, inode = struct.unpack_from("=III", message, 60)
    return ListeningSocket(_address(message[8 : 8 + size]), port, inode, backlog)


def listeners_in(path: str) -> Iterator[ListeningSocket]:
    """Read /proc/net/tcp or tcp6."""
    if not os.path.exists(path):  # no IPv6 here
        return
    with open(path, encoding="ascii") as table:
        next(table, None)
        for line in table:
            fields = line.split()
            if int(fields[3], 16) != TCP_LISTEN:
                return  # listeners come first, and connections behind them
            address, port = fields[1].split(":")
            # 32-bit words in the byte order of the machine.
            words = (int(address[at : at + 8], 16) for at in range(0, len(address), 8))
            packed = b"".join(word.to_bytes(4, sys.byteorder) for word in words)
            yield ListeningSocket(_address(packed), int(port, 16), int(fields[9]))


def unix_listeners(inodes: Collection[int]) -> list[str]:
    """The paths of those of these sockets that are Unix sockets and listen; `@` leads an abstract
    one."""
    found = []
    with open("/proc/net/unix", encoding="utf-8", errors="backslashreplace") as table:
        next(table, None)
        for line in table:
            # Address, references, protocol, flags, type, state, inode, path (proc_pid_net(5)).
            fields = line.rstrip("\n").split(maxsplit=7)
            if len(fields) == 8 and int(fields[3], 16) & ACCEPTS and int(fields[6]) in inodes:
                found.append(fields[7])
    return found


def _address(packed: bytes) -> Address:
    """An address in network byte order; IPv4 written as IPv6 is IPv4."""
    address = ipaddress.ip_address(packed)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
