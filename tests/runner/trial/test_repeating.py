# SPDX-License-Identifier: BSD-3-Clause
"""The ceiling of requests of the file: a null server that repeats another server's reply."""

import json
from pathlib import Path

import pytest
from tests.runner.asked_servers import file_of, record_of, records_of, valid

HTTP = "    for _ in requests(connection): http(connection, b'Hello'{more})"
GET = '[requests.it]\nget = "/"\n'
CLOSES = """\
    for _ in requests(connection):
        http(connection, b"Hello", more=b"Connection: close\\r\\n")
        return"""
SIZED = """\
    connection.sendall(b"HI\\r\\n")
    for asked in requests(connection, b"\\r\\n"): connection.sendall(b"x" * 70000)"""

ASKS_SIZED = """\
[requests.it]
send = "A\\r\\n"
expect = { bytes = 70000 }
opening = [{ expect = "*" }]
"""


@pytest.mark.parametrize("clients", [1, 4])
@pytest.mark.parametrize(
    ("converse", "asks"),
    [
        (HTTP.format(more=""), GET),
        (HTTP.format(more=""), f"{GET}close = true\n"),
        (CLOSES, GET),
        (SIZED, ASKS_SIZED),
    ],
)
def test_a_null_server_repeats_what_the_server_answers(
    programs: Path, tmp_path: Path, converse: str, asks: str, clients: int
) -> None:
    axes = f'request = "it"\nclients = {clients}'
    record = valid(file_of(converse, asks, axes), programs, tmp_path, "ceiling")
    assert record["parameters"]["backend"] == "c-null"
    assert record["parameters"]["repeats"] == "own"
    assert sorted(path.name for path in (tmp_path / "0").iterdir()) == [
        *("load.err", "load.json", "server.err")
    ]


def test_what_is_asked_for_is_the_whole_request(programs: Path, tmp_path: Path) -> None:
    axes = 'request = "it"\npipeline = 8\nsize = 5000'
    asks = '[requests.it]\npost = "/"\nbody = { bytes = "{size}" }\n'
    reads = """\
    data = connection.makefile("rb")
    while line := data.readline():
        size = 0
        while line != b"\\r\\n":
            name, _, value = line.partition(b": ")
            size = int(value) if name == b"Content-Length" else size
            line = data.readline()
        http(connection, data.read(size))"""
    valid(file_of(reads, f'{asks}expect = "same"\n', axes), programs, tmp_path, "ceiling")


def test_a_server_that_cannot_be_asked_has_no_ceiling(programs: Path, tmp_path: Path) -> None:
    fails = "    for _ in requests(connection): http(connection, b'', b'500 Oh')"
    record = record_of(file_of(fails, GET), programs, tmp_path, "ceiling")
    assert (record["valid"], record["failure"]) == (False, "wrong-reply")
    assert "its status differs" in record["reason"]


def test_what_it_cost_to_ask_is_no_part_of_the_ceiling(programs: Path, tmp_path: Path) -> None:
    """The port is the same for both, since a request names it; the load is the null server's."""
    record = valid(file_of(HTTP.format(more=""), GET), programs, tmp_path, "ceiling")
    answer = json.loads((tmp_path / "0" / "load.json").read_text())
    assert answer["settings"]["port"] == record["port"]
    assert record["server"]["ended_itself"] is False
    assert record["server"]["signal"] is None


def test_a_server_that_does_not_start_is_not_started_for_each_of_its_ceilings(
    programs: Path, tmp_path: Path
) -> None:
    starts = tmp_path / "starts"
    dies = f"    pass\nopen({str(starts)!r}, 'a').write('x')\nsys.exit('no licence')"
    text = file_of(dies, GET, 'request = "it"\nclients = [1, 2, 3]')
    first, *others = records_of(text, programs, tmp_path, "ceiling")
    assert (first["valid"], first["failure"]) == (False, "exited")
    assert "no licence" in first["reason"]
    assert [one["reason"] for one in others] == [f"not started again: {first['reason']}"] * 2
    assert starts.read_text() == "x"
