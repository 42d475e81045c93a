# SPDX-License-Identifier: BSD-3-Clause
"""How long reading a large journal takes: what `run` waits for before it can resume."""

import tempfile
import time
from pathlib import Path

from fibench.store import journal
from fibench.store.record import read_head
from fibench.tried import last_attempts

LINES = 100_000
LIMIT_S = 2.0
"""No resumption of so many trials may take longer to read."""


def record(index: int) -> dict[str, object]:
    """A record of the size and shape of a real one."""
    figures = {f"figure_{k}_s": 0.001234567890123 * (k + index) for k in range(60)}
    return {
        "schema": 2,
        "trial": f"b{index // 10:03d}-py-mt-n27-c8-{index % 10:010x}",
        "index": index,
        "block": index // 10,
        "cell": f"py-mt-n27-c8-{index % 10:010x}",
        "label": "py-mt n=27",
        "role": "measure",
        "attempt": 1,
        "started_at": "2026-11-23T09:15:00.000+00:00",
        "valid": True,
        "reason": None,
        "hint": None,
        "failure": None,
        "parameters": {f"parameter_{k}": k for k in range(30)},
        "metrics": figures,
        "counts": {f"count_{k}": index + k for k in range(20)},
    }


def write_journal(path: Path, lines: int) -> None:
    """Write a journal as fast as the disk takes it, without a sync for each line."""
    with path.open("w") as stream:
        stream.writelines(journal.encode(record(index)) for index in range(lines))


def measure(lines: int = LINES) -> tuple[float, float]:
    """Seconds to read what resuming needs, and to read everything."""
    with tempfile.TemporaryDirectory(prefix="fibench-") as folder:
        path = Path(folder, "trials.jsonl")
        write_journal(path, lines)
        began_s = time.perf_counter()
        heads = journal.read_heads(path)
        last_attempts(head for one in heads.records if (head := read_head(one)) is not None)
        heads_s = time.perf_counter() - began_s
        began_s = time.perf_counter()
        whole = journal.read(path)
        whole_s = time.perf_counter() - began_s
        assert len(heads.records) == len(whole.records) == lines
    return heads_s, whole_s


def print_journal() -> bool:
    """Measure and print; returns whether the limit is kept."""
    size = len(journal.encode(record(0)))
    heads_s, whole_s = measure()
    print(f"a journal of {LINES:,} lines of {size:,} bytes")
    print(f"  to resume        {heads_s:5.2f} s (limit {LIMIT_S:g} s)")
    print(f"  with all figures {whole_s:5.2f} s")
    return heads_s <= LIMIT_S
