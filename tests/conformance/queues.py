# SPDX-License-Identifier: BSD-3-Clause
"""What the kernel keeps for the other end of a connection, as `ss` shows it: sock_diag(7)."""

import errno
import re
import socket
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NETLINK_SOCK_DIAG = 4
SOCK_DIAG_BY_FAMILY = 20
NLM_F_REQUEST = 1
ANY_COOKIE = 0xFFFFFFFF
_HEADER = struct.Struct("=IHHII")  # nlmsghdr
_ASKED = struct.Struct("=BBxxI")  # inet_diag_req_v2, up to the addresses
_ADDRESSES = struct.Struct(">HH16s16s")  # inet_diag_sockid, which goes on with:
_MORE = struct.Struct("=III")  # interface, cookie
_TOLD = struct.Struct("=4x4s44x4xI4x4xI")  # inet_diag_msg: ports, receive queue, inode

Address = tuple[Any, ...]  # of a socket: host, port, and more in IPv6


@dataclass(frozen=True)
class OtherEnd:
    """The other end of a connection, on this machine."""

    unread: int
    """Bytes in its receive queue."""
    inode: int
    """Of its file: 0 as long as nobody has accepted it."""


def unread_by_peer(connection: socket.socket) -> int | None:
    """Bytes in the receive queue of the other end on this machine; None while it is not there."""
    end = _other_end(connection)
    return None if end is None else end.unread


def is_accepted_by_peer(connection: socket.socket) -> bool:
    """Whether accept(2) has returned the other end, or is about to."""
    end = _other_end(connection)
    return end is not None and end.inode != 0


def _other_end(connection: socket.socket) -> OtherEnd | None:
    try:
        own, peer = connection.getsockname(), connection.getpeername()
    except OSError:  # a reset
        return None
    try:
        return _ask(connection.family, own, peer)
    except OSError:  # not there, or a kernel or container that does not answer this
        return _look_up(own[1], peer[1])


def _ask(family: int, own: Address, peer: Address) -> OtherEnd:
    """Ask for one socket, which is as quick however many there are."""
    own_address, peer_address = (socket.inet_pton(family, end[0]) for end in (own, peer))
    question = (
        _ASKED.pack(family, socket.IPPROTO_TCP, 0xFFFFFFFF)
        + _ADDRESSES.pack(peer[1], own[1], peer_address, own_address)
        + _MORE.pack(0, ANY_COOKIE, ANY_COOKIE)
    )
    header = _HEADER.pack(_HEADER.size + len(question), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, 0, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as netlink:
        netlink.settimeout(1)
        netlink.send(header + question)
        answer = netlink.recv(4096)
    _, kind, _, _, _ = _HEADER.unpack_from(answer)
    if kind != SOCK_DIAG_BY_FAMILY:
        raise OSError(errno.ENOENT, "no such socket")
    ports, unread, inode = _TOLD.unpack_from(answer, _HEADER.size)
    if ports != struct.pack(">HH", peer[1], own[1]):  # a listener, found instead
        raise OSError(errno.ENOENT, "no such connection")
    return OtherEnd(unread, inode)


def _look_up(own: int, peer: int) -> OtherEnd | None:
    """Search for it in the table of all, by its two ports."""
    # Local address, remote address, state, transmit and receive queues, timer, retransmissions,
    # user, time-outs, inode: proc_net_tcp.rst.
    ends = rf":{peer:04X} [0-9A-F]+:{own:04X} [0-9A-F]{{2}} "
    row = ends + r"[0-9A-F]+:([0-9A-F]+) [0-9A-F]+:[0-9A-F]+ [0-9A-F]+ +[0-9]+ +[0-9]+ ([0-9]+)"
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            found = re.search(row.encode(), Path(table).read_bytes())
        except FileNotFoundError:  # no IPv6 here
            continue
        if found is not None:
            return OtherEnd(int(found[1], 16), int(found[2]))
    return None
