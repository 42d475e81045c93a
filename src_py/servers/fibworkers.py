# SPDX-License-Identifier: BSD-3-Clause
"""How a server starts the workers of an executor, and what it does when that fails.

Runs on Python 3.7.
"""

import errno
import logging
import os
import threading

import fibserver

TYPE_CHECKING = False
if TYPE_CHECKING:
    from concurrent.futures import Executor


def wait_for(executor: "Executor", workers: int) -> None:
    """Start all its workers now, and wait until each has begun. OSError: one has not.

    An executor starts another worker when none is free, and who begins early may take the jobs of
    those that are late. So all but one are kept until somebody has done the last job.
    """
    from concurrent.futures import BrokenExecutor  # not in Python 3.6, where it is said in a line

    gate, opened = os.pipe()
    try:
        jobs = [executor.submit(os.read, gate, 1) for _ in range(workers - 1)]
        executor.submit(os.getpid).result()
        os.write(opened, b"!" * (workers - 1))
        for job in jobs:
            job.result()
    except BrokenExecutor:
        raise OSError(errno.EAGAIN, "a worker has ended before it could work") from None
    except RuntimeError as error:  # "can't start new thread"
        raise OSError(errno.EAGAIN, str(error)) from None
    finally:
        os.close(gate)
        os.close(opened)


def end_with_threads() -> None:
    """From now on end when a thread of an executor does, and say of what.

    It would go on to take work that nobody does. Python 3.7 only says it, and at length.
    """
    threading.excepthook = fibserver.end_of_thread
    logging.getLogger("concurrent.futures").handlers = [_End(logging.CRITICAL)]


class _End(logging.Handler):
    """What executors log is the end of one of their threads, or of its beginning."""

    def emit(self, record: logging.LogRecord) -> None:
        _, error, _ = record.exc_info or (None, None, None)
        fibserver.end_now("%s %s" % (record.getMessage(), error or ""))
