# SPDX-License-Identifier: BSD-3-Clause
"""The command line that all servers share. Runs on Python 3.6."""

import argparse
import os
import re
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import threading
    from types import TracebackType
    from typing import Any, Callable, NoReturn

NAME = os.path.basename(sys.argv[0]) or "fibserver"

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_LACKING = 77

# Of digits and nothing else, where int() and float() take ' 5', '1_0', 'nan' and '٣'.
_NUMBER = re.compile(r"[0-9]{1,18}\Z")
_TIME = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18})?\Z")


class Options(argparse.Namespace):
    """What the command line asked for."""

    port: int
    host: str
    framing: str
    workers: "int | None"  # None: as many as there are cores, see fibcores.py
    io_wait: float  # seconds
    work: str
    work_units: int  # 0: one, of fib none
    backlog: int
    max_connections: int
    idle_timeout: float  # seconds
    max_n: int
    ready_fd: "int | None"
    verbose: bool
    switch_interval: "float | None"  # seconds


def log(text: str) -> None:
    """Write a line to stderr: at once and in one piece, also from a signal handler."""
    try:
        os.write(2, ("%s: %s\n" % (NAME, text)).encode("utf-8", "backslashreplace"))
    except OSError:  # nobody listens, which is no reason to stop serving
        pass


def fail(what: str, status: int = EXIT_FAILED) -> "NoReturn":
    """Say in one line why this server cannot start, and exit."""
    log(what)
    sys.exit(status)


def end_of(
    kind: "type[BaseException]", error: BaseException, traceback: "TracebackType | None"
) -> "NoReturn":
    """Say what this process ends of, and end it: no thread may keep it, and its port, alive.

    It is sys.excepthook. What the system refused is one line; anything else is a fault of ours.
    """
    if isinstance(error, SystemExit):  # of fail(), in a thread or a child
        os._exit(error.code if isinstance(error.code, int) else EXIT_FAILED)
    is_lack = issubclass(kind, (OSError, MemoryError)) or str(error) == "can't start new thread"
    if is_lack:
        end_now("cannot go on: %s" % (getattr(error, "strerror", None) or error or "out of memory"))
    sys.__excepthook__(kind, error, traceback)
    os._exit(EXIT_FAILED)


def end_of_thread(thread: "threading.ExceptHookArgs") -> None:
    """Do the same where no other thread can go on without this one: a threading.excepthook."""
    end_of(thread.exc_type, thread.exc_value or thread.exc_type(), thread.exc_traceback)


def end_now(what: str) -> "NoReturn":
    """Say in one line what is lacking, and exit with 1, whatever threads there are."""
    log(what)
    os._exit(EXIT_FAILED)


def require_python(major: int, minor: int, what: str) -> None:
    """Exit with 77 on an interpreter that does not have `what` yet."""
    if sys.version_info < (major, minor):
        here = "%d.%d" % sys.version_info[:2]
        fail("%s needs Python %d.%d, and this is %s" % (what, major, minor, here), EXIT_LACKING)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> "NoReturn":
        if message.startswith("argument "):
            message = message[len("argument ") :]
        if not message.endswith(")"):
            message += " (usage: %s [options] PORT)" % NAME
        # What was typed may hold anything; the message is one line all the same.
        line = "".join(c if c.isprintable() else repr(c)[1:-1] for c in message)
        fail(line + "; try --help", EXIT_USAGE)

    def format_help(self) -> str:
        from fibcores import available_cores  # reads a dozen files, and only --help needs it

        return super().format_help().replace("{cores}", str(available_cores()))


class _Once(argparse.Action):
    """Stores a value, or True for a flag; given twice, it is an error and not a guess."""

    given = False

    def __call__(
        self,
        _parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: "Any",
        _option: "str | None" = None,
    ) -> None:
        if self.given:
            raise argparse.ArgumentError(self, "given twice (once is enough)")
        self.given = True
        setattr(namespace, self.dest, values if self.nargs != 0 else True)


def _text(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("empty (an address or a name)")
    return text


def _number(low: int, high: int) -> "Callable[[str], int]":
    """A type for argparse: a whole number in a range."""

    def convert(text: str) -> int:
        if not _NUMBER.match(text) or not low <= int(text) <= high:
            allowed = "a number from %d to %d" % (low, high)
            raise argparse.ArgumentTypeError("'%s' is not valid (%s)" % (text, allowed))
        return int(text)

    return convert


def _time(unit: str, low: float, high: float, unit_s: float = 1.0) -> "Callable[[str], float]":
    """A type for argparse: a time in `unit`, decimals allowed, turned into seconds."""

    def convert(text: str) -> float:
        if not _TIME.match(text) or not low <= float(text) <= high:
            allowed = "%s from %.9g to %.9g" % (unit, low, high)
            raise argparse.ArgumentTypeError("'%s' is not valid (%s)" % (text, allowed))
        return float(text) * unit_s

    return convert


def _choice(*words: str) -> "Callable[[str], str]":
    """A type for argparse: one of the words."""

    def convert(text: str) -> str:
        if text not in words:
            allowed = " or ".join(words)
            raise argparse.ArgumentTypeError("'%s' is not valid (%s)" % (text, allowed))
        return text

    return convert


def _open_fd(text: str) -> int:
    fd = _number(0, 2**31 - 1)(text)
    try:
        os.fstat(fd)
    except OSError:
        raise argparse.ArgumentTypeError("%d is not open (an open file descriptor)" % fd) from None
    return fd


_ROWS = (  # name, placeholder, type, default, meaning
    ("--host", "ADDR", _text, "127.0.0.1", "address to listen on"),
    ("--framing", "message|line", _choice("message", "line"), "message",
     "one request per connection, or one per line"),
    ("--workers", "N", _number(1, 1024), None,
     "loops or processes, where the design has them (default: {cores}, the cores here)"),
    ("--io-wait", "MS", _time("milliseconds", 0, 3600000, unit_s=0.001), "0",
     "wait so long before each reply, without using the CPU"),
    ("--work", "fib|hash|alloc|shared", _choice("fib", "hash", "alloc", "shared"), "fib",
     "what a request does besides fibonacci(n), in units"),
    ("--work-units", "N", _number(0, 10000), "0",
     "so many of them, each about a fibonacci(20); 0: one, of fib none"),
    ("--backlog", "N", _number(1, 65535), "4096", "connections the kernel may hold for accept"),
    ("--max-connections", "N", _number(1, 1048576), "65536", "refuse connections over so many"),
    ("--idle-timeout", "S", _time("seconds", 0.001, 86400), "60",
     "close a client that keeps the server waiting so long"),
    ("--max-n", "N", _number(0, 45), "34", "largest n served"),
    ("--ready-fd", "FD", _open_fd, None, "once listening, write the port there and close it"),
    ("--switch-interval", "S", _time("seconds", 0.000001, 1), None,
     "after so long a thread lets go of the GIL (default: the interpreter's)"),
)  # fmt: skip


def parse_options(summary: str, workers: "int | None" = None) -> Options:
    """Read sys.argv; --help begins with the summary's first paragraph. Exits with 2 on errors.

    `workers` is how many a design has when nobody says; None: it counts the cores, if it needs to.
    """
    sys.excepthook = end_of
    parser = _Parser(prog=NAME, description=summary.split("\n\n")[0], allow_abbrev=False)
    parser.add_argument("port", metavar="PORT", type=_number(0, 65535), help="0: the kernel picks")
    for name, placeholder, kind, default, meaning in _ROWS:
        if name == "--workers" and workers is not None:
            default, meaning = str(workers), "event loops"
        # argparse gives a default that is a text to the type, as if it had been typed.
        shown = meaning if default is None else meaning + " (default: %(default)s)"
        parser.add_argument(
            name, metavar=placeholder, type=kind, default=default, help=shown, action=_Once
        )
    parser.add_argument(
        "--verbose",
        nargs=0,
        default=False,
        help="a line on stderr for each connection and request",
        action=_Once,
    )
    options = parser.parse_args(namespace=Options())
    if options.switch_interval is not None:
        sys.setswitchinterval(options.switch_interval)
    if options.work != "fib" or options.work_units > 0:
        import fibwork  # which most runs do without

        fibwork.begin(options.work, options.work_units)
    return options
