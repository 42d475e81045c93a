# SPDX-License-Identifier: BSD-3-Clause
"""A program whose epoll_pwait2(2) fails with an error of choice, as a container may have it.

`python denied.py ERRNO PROGRAM ...` puts itself under a seccomp filter and becomes the program.
"""

import ctypes
import os
import struct
import sys

PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 22, 38
SECCOMP_MODE_FILTER = 2
SYS_EPOLL_PWAIT2 = 441
"""The same on every architecture but Alpha."""
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
    deny(SYS_EPOLL_PWAIT2, int(sys.argv[1]))
    os.execv(sys.argv[2], sys.argv[2:])
