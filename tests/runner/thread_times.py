# SPDX-License-Identifier: BSD-3-Clause
"""Thread-times of servers as the sampler would have seen them, made from rows of letters."""

from collections import Counter
from collections.abc import Sequence

from fibench.timeline import COLUMNS, LETTERS, NOT_THERE, ROWS, STATES, Row, State, ThreadTime


def turns(threads: int, columns: int = COLUMNS, turn: int = 3) -> list[str]:
    """One thread at a time runs, for so many columns; the others wait for the GIL."""
    holders = [column // turn % threads for column in range(columns)]
    return ["".join("r" if who == one else "g" for who in holders) for one in range(threads)]


def seen(
    rows: Sequence[str],
    *,
    processes: bool = False,
    names: Sequence[str] = (),
    more: int = 0,
    residual: float = 0.0,
    unknown: Sequence[str] = (),
) -> ThreadTime:
    """What a window of 0.4 s gave in which threads did this, and `more` did the same."""
    counts = Counter("".join(rows))
    there = sum(counts.values()) - counts[NOT_THERE]
    shares: dict[State, float] = {
        state: counts[letter] / there * (1.0 - residual)
        for state, letter in LETTERS.items()
        if counts[letter]
    }
    return ThreadTime(
        absent=None,
        source="samples",
        rate_hz=994.0,
        wall_s=0.4,
        threads=len(rows) + more,
        shares=shares,
        slices=[shares] * 10 if shares else [],
        residual=residual,
        rows=[
            Row(100 + place * processes, 100 + place, name, row)
            for place, (row, name) in enumerate(
                zip(rows, names or ["python3"] * len(rows), strict=True)
            )
        ],
        rows_left_out=more,
        unknown=unknown,
    )


def with_a_gil() -> ThreadTime:
    """Eight threads that compute, and one that accepts."""
    return seen([*turns(8), "n" * COLUMNS], residual=0.02)


def in_processes() -> ThreadTime:
    """Eight processes on two cores: two run, six are ready."""
    cores = [column // 5 * 2 % 8 for column in range(COLUMNS)]
    rows = ["".join("r" if one in (at, at + 1) else "q" for at in cores) for one in range(8)]
    return seen(rows, processes=True)


def one_loop() -> ThreadTime:
    """A thread that runs nearly always."""
    return seen(["r" * 140 + "q" + "r" * 4 + "n" * 5])


def a_thousand(name: str = "worker") -> ThreadTime:
    """More threads than have rows, each called so; all states are there."""
    letters = "".join(LETTERS[state] * 20 for state in STATES) + NOT_THERE * 10
    rows = [letters[place:] + letters[:place] for place in range(ROWS)]
    return seen(rows, names=[name] * ROWS, more=1000 - ROWS, unknown=["who holds locks: not told"])


def not_seen(
    why: str = "Yama keeps others from looking (kernel.yama.ptrace_scope = 3)",
) -> ThreadTime:
    return ThreadTime(absent=why)
