# SPDX-License-Identifier: BSD-3-Clause
"""The work alone, in Python: fibonacci(n) again and again, with no server around it.

A script for the interpreter that runs the servers: FOLDER N SECONDS PROCESSES [WORK UNITS], where
FOLDER has the fibprotocol that they compute with, and the fibwork of what they do besides.
`bare_fibonacci` is its counterpart in C, and says the same.
"""

import importlib
import json
import multiprocessing
import sys
import time


def compute(folder: str, n: int, duration_s: float, *work: str) -> str:
    """One process: how often it computed fibonacci(n) in about that time, as a line of JSON."""
    if folder not in sys.path:
        sys.path.insert(0, folder)
    if work:
        importlib.import_module("fibwork").begin(work[0], int(work[1]))
    answer = importlib.import_module("fibprotocol").compute
    begin_ns = now_ns = time.monotonic_ns()
    computed = 0
    while now_ns - begin_ns < duration_s * 1e9:
        answer(n)
        computed += 1
        now_ns = time.monotonic_ns()
    return json.dumps({"program": "alone", "computed": computed, "wall_ns": now_ns - begin_ns})


def main() -> None:
    """Read the command line, and compute in as many processes as it says."""
    folder, n, duration_s, processes = sys.argv[1], *map(float, sys.argv[2:5])
    jobs = [(folder, int(n), duration_s, *sys.argv[5:7])] * int(processes)
    with multiprocessing.get_context("fork").Pool(len(jobs)) as pool:
        print(*pool.starmap(compute, jobs, chunksize=1), sep="\n")


if __name__ == "__main__":
    main()
