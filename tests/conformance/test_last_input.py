# SPDX-License-Identifier: BSD-3-Clause
"""What the Python servers do at their end takes no descriptor, of which there may be no more."""

import os
import subprocess
import sys
from pathlib import Path

SERVERS = Path(__file__).resolve().parents[2] / "src_py" / "servers"
SCRIPT = """
import os, resource, socket
from fiblastinput import cut_input, discard_input

listener = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(listener.getsockname())
server, _ = listener.accept()
client.sendall(b"7\\n")
highest = max(client.fileno(), server.fileno(), listener.fileno())
resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1, highest + 1))
try:
    socket.socket()
except OSError:
    print("no descriptor is left")
print(cut_input(server), server.recv(9), server.recv(9), server.fileno() > 0)
client.sendall(b"8\\n")
discard_input(server)
server.close()
print(client.recv(9))
"""


def test_out_of_descriptors_what_has_arrived_is_read_and_then_an_end() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, "PYTHONPATH": str(SERVERS)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    told = ["no descriptor is left", "True b'7\\n' b'' True", "b''"]
    assert done.stdout.splitlines() == told
