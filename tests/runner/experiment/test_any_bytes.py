# SPDX-License-Identifier: BSD-3-Clause
"""Whatever bytes a file holds, it is an experiment or what is wrong with it is explained."""

import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.runner.experiments import GIL, faults, parse

DEEP = "an experiment is a few levels deep: is this one?"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"a = 1\nb = \xff\n", "e.toml:2:5: byte 0xff is not UTF-8\nsave it as UTF-8"),
        (b"\xff\xfet\x00", "e.toml:1:1: byte 0xff is not UTF-8\nsave it as UTF-8"),
        (b"a = 1\n\0", "e.toml:2:1: the file contains a NUL byte\nis this a text file?"),
        (b"a = " + b"[" * 90_000, f"e.toml:1:37: values are nested more than 32 deep\n{DEEP}"),
        (b"a" + b".a" * 90_000, f"e.toml:1:32: a key has more than 16 parts\n{DEEP}"),
        (
            b"a = " + b"9" * 5000,
            "e.toml:1:5: a number has too many digits\nno key takes more than 19",
        ),
        (b"#" * 300_000, "e.toml: is larger than 256 KiB\nis this an experiment?"),
    ],
    ids=["not UTF-8", "UTF-16", "NUL", "nested", "dotted", "digits", "large"],
)
def test_bytes_that_are_no_experiment_are_explained(data: bytes, expected: str) -> None:
    assert faults(data) == [expected]


def test_an_empty_file_lacks_title_and_matrix() -> None:
    assert [fault.split("\n")[0] for fault in faults("")] == [
        "e.toml:1:1: title is missing",
        "e.toml:1:1: matrix is missing",
    ]


def parsed_or_explained(data: bytes) -> None:
    found = faults(data)

    assert all(fault.startswith("e.toml") for fault in found)
    if not found:
        assert parse(data).cells


@given(st.binary(max_size=200))
@example(b"matrix = 1")
@example(b"[[claim]]\n[[matrix]]\n[server.port]")
@example(b"backends = 1\nclaim = [1]\nmatrix = [[]]\nexclude = 5\ntitle = []")
def test_any_bytes_are_parsed_or_explained(data: bytes) -> None:
    parsed_or_explained(data)


TOKENS = st.sampled_from(
    [
        *(word.encode() for word in GIL.split()), b"[", b"]", b"{", b"}", b'"', b"=", b"\n", b"-1",
        b"1e999", b"nan", b"0x" + b"f" * 40, b"[[", b"]]", b"true", b"1979-05-27", b'"\\u0000"',
        b"{}", b"[]", b"''", b"\xff", b"exclude", b"[backends.x]", b"backends", b"command",
    ]
)  # fmt: skip


@settings(max_examples=300)
@given(st.lists(st.tuples(st.integers(0, len(GIL)), st.integers(0, 12), TOKENS), max_size=4))
def test_a_valid_file_changed_anyhow_is_parsed_or_explained(
    edits: list[tuple[int, int, bytes]],
) -> None:
    data = GIL.encode()
    for at, removed, token in edits:
        data = data[:at] + token + data[at + removed :]

    parsed_or_explained(data)


WORDS = [word for word in GIL.split() if word not in ("=", "#")]


@settings(max_examples=300)
@given(st.integers(0, 2**32), st.sampled_from(["7", '"x"', "[]", "{}", "true", "[[1]]", "0.5"]))
def test_any_value_of_a_wrong_type_is_explained(seed: int, value: str) -> None:
    lines = GIL.split("\n")
    assignments = [at for at, line in enumerate(lines) if " = " in line and line[0] != "#"]
    at = random.Random(seed).choice(assignments)
    lines[at] = f"{lines[at].split(' = ')[0]} = {value}"

    parsed_or_explained("\n".join(lines).encode())
