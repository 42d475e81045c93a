# SPDX-License-Identifier: BSD-3-Clause
"""Roots of a bare Debian, made by debootstrap, in which a plain user types commands.

A root has the way to the packages that this machine has: its names of hosts, its certificates and
the configuration of its pip. What a command mounts and starts ends with it: both are in namespaces
of its own.
"""

import ast
import configparser
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.here import program

BARE = ("gcc", "libc6-dev", "python3", "python3-venv")
"""What the README asks for."""
LIBRARIES = ("liburing-dev", "libaio-dev")
MAKING_LIMIT_S = 900
COMMAND_LIMIT_S = 1800
USER_ID = 1000
HOME = "/srv/person"
LOCKABLE_BYTES = 8 << 20
"""What the kernel lets a plain user lock in memory, unless somebody says otherwise."""
_SEARCHED = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PATHS = re.compile(r"(?:file://)?(/[^\s,]+)")

# Arguments: the root, files and folders of this machine up to "--", and the command. What stands in
# the root for /etc/resolv.conf may be a link to nowhere.
_ENTER = """
set -e
root=$1; shift
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --rbind /sys "$root/sys"
while [ "$1" != -- ]; do
    place=$root$1
    mkdir -p "${place%/*}"
    if [ -d "$1" ]; then mkdir -p "$place"; else rm -f "$place"; : >"$place"; fi
    mount --bind "$1" "$place"
    mount -o remount,bind,ro "$place"
    shift
done
shift
exec "$@"
"""


class RootError(Exception):
    """A root cannot be made here; the text is the last that was said of it."""


@dataclass(frozen=True)
class Root:
    """A system of its own in a folder, with a person's account."""

    folder: Path

    @property
    def checkout(self) -> Path:
        """Where the person's copy of the checkout is, seen from outside."""
        return self.folder / HOME.lstrip("/") / "fibench"

    @property
    def programs(self) -> Path:
        """Where the person's build installs."""
        return self.checkout / "build" / "install" / "libexec" / "fibench"

    def as_person(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """Type a command in the copy of the checkout."""
        rights = ["setpriv", f"--reuid={USER_ID}", f"--regid={USER_ID}", "--clear-groups"]
        locked = ["prlimit", f"--memlock={LOCKABLE_BYTES}:{LOCKABLE_BYTES}"]
        there = ["sh", "-c", f'cd {HOME}/fibench && exec "$@"', "sh"]
        return self._run(
            [*locked, *rights, *there, *command], HOME, self._configuration(), "C.UTF-8"
        )

    def as_root(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """Run what an administrator would."""
        return self._run(command, "/root", {"DEBIAN_FRONTEND": "noninteractive"}, "C")

    def _run(
        self, command: Sequence[str], home: str, more: dict[str, str], locale: str
    ) -> "subprocess.CompletedProcess[str]":
        environment = {"HOME": home, "LANG": locale, "PATH": _SEARCHED, "TERM": "dumb", **more}
        words = [f"{name}={text}" for name, text in environment.items()]
        argv = [
            *("unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private"),
            *("sh", "-c", _ENTER, "sh", str(self.folder), *machines_own(), "--"),
            *("chroot", str(self.folder), "env", "-i", *words, *command),
        ]
        return subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=COMMAND_LIMIT_S,
            check=False,
        )

    def _configuration(self) -> dict[str, str]:
        """The machine's own configuration of pip, in a file that the root has."""
        parser = configparser.RawConfigParser()
        for key, text in pip_configuration().items():  # the environment's come last, and stand
            section, _, name = key.rpartition(".")
            section = "global" if section == ":env:" else section
            if not parser.has_section(section):
                parser.add_section(section)
            parser.set(section, name, text)
        with (self.folder / "etc" / "pip.conf").open("w") as file:
            parser.write(file)
        return {"PIP_CONFIG_FILE": "/etc/pip.conf"}


def make_root(suite: str, folder: Path, kept: Path | None = None) -> Root:
    """Make a root with what the README asks for, and an account; or copy one that was kept.

    Raises RootError.
    """
    if kept is not None and (kept / suite / "etc" / "debian_version").is_file():
        subprocess.run(["cp", "-a", str(kept / suite), str(folder)], check=True)
    else:
        bootstrap(suite, folder)
    root = Root(folder)
    account = f"person:x:{USER_ID}:{USER_ID}::{HOME}:/bin/sh\n"
    with (folder / "etc" / "passwd").open("a") as file:
        file.write(account)
    root.checkout.parent.mkdir(parents=True)
    return root


def bootstrap(suite: str, folder: Path) -> None:
    """Make the root of a suite of Debian. Raises RootError."""
    debootstrap = program("debootstrap")
    assert debootstrap is not None
    argv = [debootstrap, "--variant=minbase", f"--include={','.join(BARE)}", suite, str(folder)]
    done = subprocess.run(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=MAKING_LIMIT_S,
        check=False,
    )
    if done.returncode != 0:
        raise RootError(
            f"debootstrap {suite}: {(done.stdout.strip() or 'no word').splitlines()[-1]}"
        )


def own(root: Root) -> None:
    """Give the person all that is below the home folder."""
    for path in (root.checkout.parent, *root.checkout.parent.rglob("*")):
        os.chown(path, USER_ID, USER_ID, follow_symlinks=False)


def pip_configuration() -> dict[str, str]:
    """What `pip config list` says here, of files and of the environment, by `section.name`."""
    argv = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(argv, capture_output=True, text=True, check=False).stdout
    pairs = (line.partition("=") for line in listed.splitlines())
    return {key: str(ast.literal_eval(text)) for key, _, text in pairs if text}


def machines_own() -> Iterator[str]:
    """Files and folders of this machine that lead to the packages, each once."""
    named = ["/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs/ca-certificates.crt"]
    for text in pip_configuration().values():
        # An index in a folder has its files beside it: PEP 503.
        named += [path.removesuffix("/simple") for path in _PATHS.findall(text)]
    yield from dict.fromkeys(name for name in named if Path(name).exists())


def remove(folder: Path) -> None:
    """Remove a root. What was mounted in it has gone with the last command."""
    if folder.exists():
        shutil.rmtree(folder)
