# SPDX-License-Identifier: BSD-3-Clause
"""What the machine did during a trial is read off /proc, and absent where the kernel is silent."""

import socket
from pathlib import Path

from fibench.machine.disturbance import Counters, counted_between, machine_json, read_counters

NETSTAT = """\
TcpExt: SyncookiesSent ListenOverflows ListenDrops TCPFastOpen
TcpExt: 0 7 9 1
IpExt: InNoRoutes ListenDrops
IpExt: 1 2
"""
SNMP = """\
Ip: Forwarding DefaultTTL
Ip: 1 64
Tcp: RtoAlgorithm RetransSegs MaxConn
Tcp: 1 33 -1
"""


def test_counters_are_read_by_their_names(tmp_path: Path) -> None:
    for name, text in {
        "net/netstat": NETSTAT,
        "net/snmp": SNMP,
        "stat": "cpu  1 2 3 4 5 6 7 150 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\n",
        "pressure/cpu": "some avg10=1.0 avg60=1.0 avg300=1.0 total=2500000\nfull total=1\n",
        "pressure/io": "some avg10=1.0 avg60=1.0 avg300=1.0 total=500\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert read_counters(tmp_path) == Counters(
        listen_overflows=7,
        listen_drops=9,
        retransmits=33,
        steal_s=1.5,
        cpu_pressure_s=2.5,
        memory_pressure_s=None,
        io_pressure_s=0.0005,
    )


def test_a_kernel_that_says_nothing_leaves_everything_unknown(tmp_path: Path) -> None:
    nothing = read_counters(tmp_path)
    assert nothing == Counters(None, None, None, None, None, None, None)
    assert counted_between(nothing, read_counters()) == nothing


def test_differences_are_those_of_the_time_between(tmp_path: Path) -> None:
    before = Counters(1, 2, 3, 0.5, 1.0, None, 0.0)
    after = Counters(4, 2, 5, 0.75, 1.5, 1.0, 0.25)
    gained = counted_between(before, after)
    assert gained == Counters(3, 0, 2, 0.25, 0.5, None, 0.25)
    told = machine_json(gained)
    assert told.pop("load_1min") is not None
    assert told == {
        "steal_s": 0.25,
        "cpu_pressure_s": 0.5,
        "memory_pressure_s": None,
        "io_pressure_s": 0.25,
    }


def test_a_connection_lost_by_a_full_accept_queue_is_counted() -> None:
    before = read_counters()
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        clients = [socket.socket() for _ in range(4)]
        for client in clients:
            client.setblocking(False)
            client.connect_ex(address)
        for client in clients:
            client.close()
    gained = counted_between(before, read_counters())
    assert gained.listen_overflows is not None
    assert gained.listen_overflows > 0
    assert gained.listen_drops is not None
    assert gained.listen_drops >= gained.listen_overflows
