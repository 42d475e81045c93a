# SPDX-License-Identifier: BSD-3-Clause
"""Why the kernel did not execute a command, or what it executed could not go on: execve(2) has but
a number for it, and often one number for several faults."""

import errno
import os
import platform
import shlex
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from fibench.server.start_error import StartError, printable

COMMAND_NOT_FOUND = 127
"""The exit status of env(1) and of shells that find no program."""
_READ_BYTES = 4096
_SHELLS = ("sh", "bash", "dash", "ksh", "zsh")
_ELF = b"\x7fELF"
_INTERPRETER_SEGMENT, _EXECUTABLE, _SHARED = 3, 2, 3
_OTHER_SYSTEMS: Mapping[bytes, str] = {
    b"MZ": "Windows",
    b"\xcf\xfa\xed\xfe": "macOS",
    b"\xca\xfe\xba\xbe": "macOS, or a Java class",
}
_BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_MACHINES: Mapping[int, str] = {
    0x03: "i386", 0x08: "mips", 0x14: "ppc", 0x15: "ppc64", 0x16: "s390x", 0x28: "arm",
    0x3E: "x86_64", 0xB7: "aarch64", 0xF3: "riscv64", 0x102: "loongarch64",
}  # fmt: skip
"""Of elf(5), by the number in the header."""
_BUILD_HERE = "build it on this machine, or name the program that was"
_FIRST_LINE = "#!/usr/bin/env python3"

Told = tuple[str, str]
"""What is wrong, and what to do."""


def not_executed(
    argv: Sequence[str], errno_text: tuple[int, str], cwd: Path, searched: str | None = None
) -> StartError:
    """The kernel did not execute the command; `searched` is its PATH."""
    number, text = errno_text
    name, path = printable(argv[0]), find_program(argv[0], cwd, searched)
    if path is None:
        where = f"in {cwd}" if "/" in argv[0] else "on the PATH"
        hint = "check the first word of the command"
        return StartError("not-found", f"there is no program '{name}' {where}", hint)
    match number:
        case errno.ENOENT:
            return StartError("not-found", *_lacks_interpreter(name, path))
        case errno.EACCES:
            return StartError("no-permission", *_not_permitted(name, path))
        case errno.ENOEXEC:
            return StartError("no-permission", *_no_program(name, path))
        case errno.ETXTBSY:
            hint = "wait until it is built or copied, and try again"
            return StartError("no-permission", f"'{name}' is still open for writing", hint)
    what = f"'{name}' cannot be executed: {text}"
    return StartError("not-found", what, "start it by hand to see")


def script_fault(argv: Sequence[str], status: int, said: str, cwd: Path) -> Told | None:
    """Whether a command that ended early is a script that never began, and why; `said` is what came
    of it, escaped."""
    for place, word in enumerate(argv):
        path = find_program(word, cwd) if place == 0 else cwd / word
        if place > 0 and Path(argv[0]).name not in _SHELLS:
            break
        script = read_script(path) if path is not None else None
        if script is None or path is None:
            continue
        met = status == COMMAND_NOT_FOUND or r"\r" in said or script.has_option
        if script.has_return and met:
            return _carriage_return(printable(word), path)
        if status == COMMAND_NOT_FOUND and script.looked_up:
            looked_up = printable(script.looked_up)
            return (
                f"the interpreter '{looked_up}' of '{printable(word)}' is not on the PATH",
                f"install it, or change the first line, which is '{printable(script.line)}'",
            )
    return None


def find_program(word: str, cwd: Path, searched: str | None = None) -> Path | None:
    """The file that a command's first word means: a path, or a name on the PATH; None: none.

    `searched` is the PATH, by default ours. A symbolic link is one even where it leads nowhere.
    """
    if "/" in word:
        folders = [cwd]
    else:
        every = os.environ.get("PATH", os.defpath) if searched is None else searched
        folders = [cwd / folder for folder in every.split(":")]
    try:
        found = [folder / word for folder in folders if os.path.lexists(folder / word)]
    except ValueError:  # no file has such a name
        return None
    fit = (path for path in found if path.is_file() and os.access(path, os.X_OK))
    return next(fit, found[0] if found else None)


class Script(NamedTuple):
    """The first line of a script, and what it says."""

    line: str
    """The first, without its end."""
    interpreter: str
    looked_up: str
    """What env(1) is asked to find on the PATH, if that is the interpreter; else empty."""
    has_option: bool
    """The interpreter has an option, and is not env(1), which passes over white space."""
    has_return: bool
    """The line ends with a carriage return, which the kernel takes for a part of it."""


def _begin_of(path: Path) -> bytes:
    """The first bytes of a regular file; none of what cannot be read, or would make us wait."""
    try:
        if not path.is_file():
            return b""
        with path.open("rb") as stream:
            return stream.read(_READ_BYTES)
    except (OSError, ValueError):
        return b""


def read_script(path: Path) -> Script | None:
    """The first line of a file; None of what is no script, or cannot be read."""
    begin = _begin_of(path)
    if not begin.startswith(b"#!"):
        return None
    line = begin.split(b"\n", 1)[0].decode("utf-8", "backslashreplace")
    words = line[2:].split()
    interpreter = words[0] if words else ""
    is_env = Path(interpreter).name == "env"
    looked_up = words[1] if is_env and len(words) == 2 else ""
    has_option = len(words) > 1 and not is_env
    return Script(line, interpreter, looked_up, has_option, line.endswith("\r"))


def _carriage_return(name: str, path: Path) -> Told:
    what = (
        f"the first line of '{name}' ends with a carriage return (CRLF, as Windows writes it), "
        "which is taken for a part of the interpreter's name or options"
    )
    return what, f"convert it: `sed -i 's/\\r$//' {printable(shlex.quote(str(path)))}`"


def _lacks_interpreter(name: str, path: Path) -> Told:
    """The file is there, and the kernel says that something is not."""
    script = read_script(path)
    if path.is_symlink() and not path.exists():
        leads = printable(os.readlink(path))
        return f"'{name}' is a symbolic link to '{leads}', which does not exist", "mend the link"
    if script is not None and script.has_return:
        return _carriage_return(name, path)
    if script is not None:
        what = f"the interpreter of '{name}' does not exist"
        hint = f"install it, or name one that is here, as in {_FIRST_LINE}"
        return f"{what}: its first line is '{printable(script.line)}'", hint
    loader = _elf_interpreter(_begin_of(path))
    if loader:
        return f"the loader '{printable(loader)}' that '{name}' needs does not exist", _BUILD_HERE
    return f"'{name}' needs something that does not exist", "start it by hand to see"


def _not_permitted(name: str, path: Path) -> Told:
    if path.is_dir():
        return f"'{name}' is a folder", "name the program in it"
    script = read_script(path)
    if not os.access(path, os.X_OK):
        hint = (
            f"is it a program? `chmod +x {printable(shlex.quote(str(path)))}` makes it executable"
        )
        return f"'{name}' may not be executed", hint
    if script is not None and not _is_program(script.interpreter):
        what = f"the interpreter of '{name}' may not be executed"
        hint = f"name a program that may, as in {_FIRST_LINE}"
        return f"{what}: its first line is '{printable(script.line)}'", hint
    if os.statvfs(path).f_flag & os.ST_NOEXEC:
        hint = "copy it to another one, or start it by its interpreter"
        return f"'{name}' is on a file system from which nothing may be executed (noexec)", hint
    return (
        f"'{name}' may not be executed",
        "what forbids it: a folder on its way, a security module?",
    )


def _is_program(path: str) -> bool:
    try:
        return Path(path).is_file() and os.access(path, os.X_OK)
    except ValueError:
        return False


def _no_program(name: str, path: Path) -> Told:
    """The kernel knows no way to execute a file of this kind."""
    begin = _begin_of(path)
    if not begin:
        return f"'{name}' is empty", "it was perhaps not built to the end"
    if begin.startswith(_ELF):
        return _foreign_elf(name, begin)
    for mark, system in _OTHER_SYSTEMS.items():
        if begin.startswith(mark):
            return f"'{name}' is a program for another system ({system})", _BUILD_HERE
    if begin.startswith(_BYTE_ORDER_MARKS):
        hint = "save it without one (as plain UTF-8), so that its first two bytes are #!"
        return f"'{name}' begins with a byte order mark, before which #! is not seen", hint
    return (
        f"'{name}' is not a program that this machine can execute",
        f"a script needs a first line such as {_FIRST_LINE}",
    )


def _foreign_elf(name: str, begin: bytes) -> Told:
    """A binary that is not for this machine, or not for being executed."""
    order = ">" if begin[5:6] == b"\x02" else "<"
    if len(begin) < 20:
        return f"'{name}' is cut off: {len(begin)} bytes of a program", "build it again"
    kind, machine = struct.unpack_from(f"{order}HH", begin, 16)
    here, built_for = platform.machine(), _MACHINES.get(machine, f"machine {machine}")
    if built_for != here:
        return f"'{name}' is a program for {built_for}, and this machine is {here}", _BUILD_HERE
    if kind not in (_EXECUTABLE, _SHARED):
        return f"'{name}' is an object file and no program", "link it: cc -o PROGRAM FILE.o"
    return f"'{name}' is a program that this machine cannot execute", _BUILD_HERE


def _elf_interpreter(begin: bytes) -> str:
    """The loader that an ELF program asks for: its PT_INTERP, elf(5); empty if it names none."""
    if not begin.startswith(_ELF) or len(begin) < 64:
        return ""
    order, wide = ">" if begin[5] == 2 else "<", begin[4] == 2
    # Where the table of segments is, the size of an entry, and how many there are.
    where, begins_at = ("Q14xHH", 32) if wide else ("I10xHH", 28)
    table, size, count = struct.unpack_from(order + where, begin, begins_at)
    entry = struct.Struct(order + ("I4xQ" if wide else "II"))
    for at in range(table, table + size * count, max(size, entry.size)):
        if at + entry.size > len(begin):
            break
        kind, offset = entry.unpack_from(begin, at)
        if kind == _INTERPRETER_SEGMENT:
            return begin[offset:].split(b"\0", 1)[0].decode("utf-8", "backslashreplace")
    return ""
