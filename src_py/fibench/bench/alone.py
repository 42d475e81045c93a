# SPDX-License-Identifier: BSD-3-Clause
"""The work alone, in Python: fibonacci(n) again and again, with no server around it.

A script for the interpreter that runs the servers: FOLDER N SECONDS, where FOLDER has the
fibprotocol that they compute with. `bare_fibonacci` is its counterpart in C.
"""

import importlib
import json
import sys
import time


def main() -> None:
    folder, n, duration_s = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    sys.path.insert(0, folder)
    fibonacci = importlib.import_module("fibprotocol").fibonacci
    begin_ns = now_ns = time.monotonic_ns()
    computed = 0
    while now_ns - begin_ns < duration_s * 1e9:
        fibonacci(n)
        computed += 1
        now_ns = time.monotonic_ns()
    print(json.dumps({"program": "alone", "computed": computed, "wall_ns": now_ns - begin_ns}))


if __name__ == "__main__":
    main()
