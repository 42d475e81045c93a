# SPDX-License-Identifier: BSD-3-Clause
"""Requests worth asking: the protocol's table, numbers at every edge, and near misses."""

from hypothesis import strategies as st

WHITE_SPACE = b" \t\r\n\v\f"
LARGEST_QUICK_N = 15

# Each is one request without its line's end; none contains one.
TABLE = [
    *(b"%d" % n for n in range(LARGEST_QUICK_N + 1)),
    *(b"-0", b"+0", b"+1", b"-1", b"-30", b"+15", b"00", b"007", b"-0007", b"+" + b"0" * 90 + b"9"),
    *(b"35", b"46", b"99", b"100", b"0" * 120 + b"35"),
    *(b"%d" % (2**bits + d) for bits in (7, 8, 15, 16, 31, 32, 63, 64) for d in (-1, 0, 1)),
    *(b"-%d" % (2**bits + d) for bits in (31, 32, 63, 64) for d in (-1, 0, 1)),
    *(b"%d" % (2**bits + 5) for bits in (32, 64, 128)),
    *(b"9" * 100, b"-" + b"9" * 100, b"1" + b"0" * 99, b"0" * 255, b"9" * 255),
    *(b" 5", b"5 ", b"\t5", b"5\t", b"5\r", b"\r5", b"\v5\f", b" \t\r\v\f5 \t\r\v\f", b" +5 "),
    *(b" ", b"\t", b"\r", b"\v", b"\f", b" " * 255),
    *(
        b"1_000",
        b"0x10",
        b"1e9",
        b"1e1",
        b"0b1",
        b"0o7",
        b"1.0",
        b"1,0",
        b"10L",
        b"1j",
        b"5.",
        b".5",
    ),
    *(b"inf", b"nan", b"NaN", b"Infinity", b"None", b"true", b"error", b"ten"),
    *(b"+", b"-", b"++5", b"--5", b"+-5", b"-+5", b"- 5", b"+ 5", b"5-", b"5+", b"(5)"),
    *(b"1 2", b"1\t2", b"1\r2", b"5 x", b"x 5", b"5;", b"'5'", b'"5"'),
    *("٥".encode(), "５".encode(), "५".encode(), "²".encode(), "Ⅴ".encode(), "1٥".encode()),
    *("\u00a05".encode(), "5\u2003".encode(), "\u22125".encode(), "\ufeff5".encode(), b"\xa05"),
    *(b"\x1c5", b"5\x1d", b"\x1e5", b"5\x1f", b"\x855", b"5\x85"),  # Python's str.isspace
    *(b"\0", b"5\0", b"\x005", b"5\x006", b"\0" * 255),
    *(bytes([byte]) for byte in (0x7F, 0x80, 0xBF, 0xC0, 0xC3, 0xE2, 0xF0, 0xFE, 0xFF)),
    *(b"5" + bytes([byte]) for byte in (0x80, 0xB2, 0xB5, 0xFF)),
    *(b"GET / HTTP/1.1", b"POST /5 HTTP/1.0", b"HEAD / HTTP/1.1\r", b"OPTIONS *", b"CONNECT :5"),
    *(b"x" * 254, b"x" * 255, b" " * 254 + b"5", b"5" + b" " * 254, b"0" * 254 + b"5"),
]

_ALMOST_NUMBERS = st.builds(
    lambda before, sign, zeros, digits, after: b"".join([before, sign, zeros, digits, after]),
    st.lists(st.sampled_from([b" ", b"\t", b"\r", b"\v", b"\f", b"\0", b"\xa0"]), max_size=4).map(
        b"".join
    ),
    st.sampled_from([b"", b"", b"", b"+", b"-", b"--", b"+ "]),
    st.integers(0, 5).map(lambda count: b"0" * count),
    st.one_of(
        st.integers(0, LARGEST_QUICK_N).map(lambda n: b"%d" % n),
        st.integers(36, 2**70).map(lambda n: b"%d" % n),
        st.integers(20, 100).map(lambda count: b"7" * count),
        st.sampled_from([b"", b"1_0", b"0x5", b"1e1", "٥".encode()]),
    ),
    st.lists(st.sampled_from([b" ", b"\t", b"\r", b"\v", b"\f", b"x", b"\0"]), max_size=4).map(
        b"".join
    ),
)


def is_quick(request: bytes) -> bool:
    """Whether no more is computed than a test wants to wait for."""
    text = request.strip(WHITE_SPACE).lstrip(b"+-")
    return not (text.isdigit() and LARGEST_QUICK_N < int(text[:400]) <= 34)


LINES = st.one_of(
    st.sampled_from(TABLE),
    _ALMOST_NUMBERS,
    st.binary(max_size=40).map(lambda text: text.replace(b"\n", b"")),
).filter(is_quick)
"""One request of at most 255 bytes, without a newline."""

TOO_LONG = st.one_of(
    st.integers(256, 600).map(lambda size: b"x" * size),
    st.integers(256, 600).map(lambda size: b"0" * (size - 1) + b"5"),
    st.integers(256, 600).map(lambda size: b" " * (size - 1) + b"5"),
)

MESSAGES = st.one_of(
    st.sampled_from(TABLE),
    _ALMOST_NUMBERS,
    st.tuples(_ALMOST_NUMBERS, st.sampled_from([b"\n", b"\r\n", b"\n\n", b"\n5"])).map(b"".join),
    st.binary(min_size=1, max_size=400),
    st.integers(250, 400).map(lambda size: b"0" * size),
).filter(lambda text: text != b"" and is_quick(text[:400]))
"""What is sent at once in message framing: 1 to 400 bytes, newlines included."""
