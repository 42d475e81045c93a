# SPDX-License-Identifier: BSD-3-Clause
"""What a server in Python lacks is got for the Python that runs it, whichever that is."""

import subprocess
import sys

from tests.here import CHECKOUT


def test_uvloop_is_asked_of_the_pip_of_the_interpreter_that_lacks_it() -> None:
    server = CHECKOUT / "src_py" / "servers" / "uvloop_server.py"
    done = subprocess.run(  # -S: without what is installed beside it
        [sys.executable, "-S", str(server), "0"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 77
    assert done.stderr.rstrip().endswith(f"install it: {sys.executable} -m pip install uvloop")
