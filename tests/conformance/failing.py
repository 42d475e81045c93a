# SPDX-License-Identifier: BSD-3-Clause
"""Has one system call of a server fail once, chosen by a test while the server runs."""

import errno
import mmap
import struct
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("failing.c")
_FAULT = struct.Struct("=24sii")  # struct fault in failing.c
_PASSING = struct.Struct("=i")
_PASSING_AT = 24

ERRORS = {
    "accept4": errno.EMFILE,
    "epoll_create1": errno.EMFILE,
    "epoll_ctl": errno.ENOSPC,
    "fork": errno.EAGAIN,
    "pipe2": errno.EMFILE,
    "pthread_create": errno.EAGAIN,
    "read": errno.EIO,
    "recv": errno.ENOMEM,
    "send": errno.ENOBUFS,
    "setsockopt": errno.ENOMEM,
    "socketpair": errno.ENFILE,
    "write": errno.EIO,
}
"""What each call fails with: what a system that is short of something says."""


def build(folder: Path) -> Path:
    """Compile what is preloaded."""
    library = folder / "failing.so"
    flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-O2", "-shared", "-fPIC"]
    subprocess.run(["cc", *flags, "-o", library, SOURCE, "-ldl"], check=True)
    return library


class Fault:
    """One failure, in a file that the server's processes and the test share."""

    def __init__(self, library: Path, file: Path) -> None:
        self._library = library
        self._path = file
        file.write_bytes(_FAULT.pack(b"", -1, 0))
        with file.open("r+b") as opened:
            self._shared = mmap.mmap(opened.fileno(), _FAULT.size)

    def environment(self) -> dict[str, str]:
        """What a server is started with."""
        return {"LD_PRELOAD": str(self._library), "FIBENCH_FAULT": str(self._path)}

    def shell(self) -> str:
        """The same, for `process.start`."""
        words = [f"{name}='{value}'" for name, value in self.environment().items()]
        return "export " + " ".join(words)

    def arm(self, call: str, passing: int) -> None:
        """Have a call fail after so many that do not."""
        self.disarm()
        self._shared[:] = _FAULT.pack(call.encode(), -1, ERRORS[call])
        _PASSING.pack_into(self._shared, _PASSING_AT, passing)

    def disarm(self) -> None:
        """Let all calls do what they do."""
        _PASSING.pack_into(self._shared, _PASSING_AT, -1)

    def has_happened(self) -> bool:
        """Whether a call has failed since it was armed."""
        passing: int = _PASSING.unpack_from(self._shared, _PASSING_AT)[0]
        return passing < 0
