# SPDX-License-Identifier: BSD-3-Clause
"""PNG read back, of eight bits a channel and not interlaced: its pixels, as they would be seen."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

CHANNELS = {2: 3, 6: 4}
"""By the colour type, RGB and RGBA."""


@dataclass(frozen=True)
class Pixels:
    """A picture."""

    width: int
    height: int
    colours: frozenset[tuple[int, ...]]
    """Those that are in it."""


def read_png(data: bytes) -> Pixels:
    """A picture, which must be whole: every chunk has its checksum."""
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    chunks = list(_chunks(data))
    assert [chunks[0][0], chunks[-1][0]] == [b"IHDR", b"IEND"]
    width, height, depth, kind, *rest = struct.unpack(">IIBBBBB", chunks[0][1])
    assert (depth, rest) == (8, [0, 0, 0])
    channels = CHANNELS[kind]
    stream = zlib.decompress(b"".join(body for name, body in chunks if name == b"IDAT"))
    rows = list(_rows(stream, width * channels, channels))
    assert len(rows) == height
    colours = {
        tuple(row[at : at + channels]) for row in rows for at in range(0, len(row), channels)
    }
    return Pixels(width, height, frozenset(colours))


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 8
    while at < len(data):
        (size,) = struct.unpack_from(">I", data, at)
        name, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + size]
        assert zlib.crc32(name + body) == struct.unpack_from(">I", data, at + 8 + size)[0]
        yield name, body
        at += 12 + size


def _rows(stream: bytes, width: int, apart: int) -> Iterator[bytes]:
    """Each row without its filter."""
    above = bytes(width)
    for at in range(0, len(stream), width + 1):
        kind, row = stream[at], bytearray(stream[at + 1 : at + 1 + width])
        for place in range(width):
            left = row[place - apart] if place >= apart else 0
            corner = above[place - apart] if place >= apart else 0
            row[place] = (row[place] + _expected(kind, left, above[place], corner)) & 0xFF
        above = bytes(row)
        yield above


def _expected(kind: int, left: int, above: int, corner: int) -> int:
    if kind == 4:
        by = left + above - corner
        return min((left, above, corner), key=lambda one: abs(by - one))
    return (0, left, above, (left + above) // 2)[kind]
