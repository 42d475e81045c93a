# SPDX-License-Identifier: BSD-3-Clause
"""A program of which a system call fails with an error of choice, as a container may have it.

`python denied.py CALL ERRNO PROGRAM ...` puts itself under a seccomp filter, then becomes the
program.
"""

import ctypes
import os
import platform
import struct
import sys

PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 22, 38
SECCOMP_MODE_FILTER = 2
CALLS = {
    "epoll_pwait2": 441,
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "io_setup": 206 if platform.machine() == "x86_64" else 0,
    "io_submit": 209 if platform.machine() == "x86_64" else 2,
}
"""Their numbers; where they are not those of x86-64, they are those of all newer architectures."""
# linux/bpf_common.h, linux/seccomp.h
LOAD_WORD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
RET_ALLOW, RET_ERRNO = 0x7FFF0000, 0x00050000


def deny(number: int, error: int) -> None:
    """From here on, and in what is executed, a system call fails. Raises OSError."""
    steps = [
        (LOAD_WORD, 0, 0, 0),  # seccomp_data.nr
        (JUMP_IF_EQUAL, 0, 1, number),
        (RETURN, 0, 0, RET_ERRNO | error),
        (RETURN, 0, 0, RET_ALLOW),
    ]
    text = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    program = struct.pack("@HP", len(steps), ctypes.addressof(text))
    libc = ctypes.CDLL(None, use_errno=True)
    for arguments in (
        (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
        (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0),
    ):
        if libc.prctl(*arguments) == -1:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))


if __name__ == "__main__":
    deny(CALLS[sys.argv[1]], int(sys.argv[2]))
    os.execv(sys.argv[3], sys.argv[3:])
