# SPDX-License-Identifier: BSD-3-Clause
"""`fibench`, and `python -m fibench`."""

import os
import shlex
import sys

from fibench import interruption


def _name() -> str:
    """What the person called: `fibench`, or where that is not on the PATH the module."""
    as_module = os.path.basename(sys.argv[0]) == "__main__.py"
    python = os.path.basename(sys.orig_argv[0]) if sys.orig_argv else "python3"
    return f"{shlex.quote(python)} -m fibench" if as_module else "fibench"


def main() -> None:
    """Run a command; a signal is answered from here on, before anything that takes time."""
    interruption.end_at_once()
    from fibench import tasks
    from fibench.folders import find_places

    tasks.main(_name(), of_a_checkout=find_places().checkout is not None)


if __name__ == "__main__":
    main()
