# SPDX-License-Identifier: BSD-3-Clause
"""What a server of the user's own is started with: words, variables, and its folder {dir}, whose
files are written anew for each start; and what of that folder is kept."""

from __future__ import annotations

import os
import shutil
import signal
import stat
from pathlib import Path

from fibench.backends.catalogue import Backend
from fibench.backends.own_servers import (
    own_argv,
    own_environment,
    own_files,
    own_values,
    refuse_nul,
)
from fibench.document import LONGEST_START_S
from fibench.parameters import Parameters
from fibench.quantities import format_duration
from fibench.server import PortNames, ServerCommand

FOLDER = "server"
"""{dir} in the folder of a trial: apart, since a file of it may be called server.err."""
LARGEST_KEPT_BYTES = 65_536
"""A larger file of a server is a log, or data…"""
KEPT_FILES = 100
"""…and more of them are, too."""


def own_command(
    backend: Backend,
    parameters: Parameters,
    port: int,
    folder: Path,
    names: PortNames,
    cores: int | None = None,
) -> ServerCommand:
    """How a server is started that serves a cell on a port. `folder` is its {dir}, which is made
    anew, with the server's files in it. Where it may run is still to be said.

    `cores` is how many it may use. Raises OSError where the folder cannot be made, Fault for a name
    that has no value, ValueError for what no program, or no file, can be given.
    """
    folder = folder.absolute()
    values = own_values(parameters, port, folder, cores)
    command = ServerCommand(
        argv=own_argv(backend.command, backend.folder, values),
        port=port,
        host=parameters.host,
        ready_fd=backend.ready_fd,
        cwd=backend.folder,
        env=own_environment(backend.env, values),
        if_slow=_if_slow(backend),
        names=backend.port_names(names),
        ready_get=backend.ready_get,
        stop_signal=signal.Signals[backend.stop_signal],
        grace_s=backend.grace_s,
    )
    refuse_nul([*command.argv, *(command.env or {}).values()])
    contents = own_files(backend.files, values)
    remove_folder(folder)
    folder.mkdir()
    _open_to_others(folder)
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return command


def _if_slow(backend: Backend) -> str:
    """What to do about a server that needs more time to start."""
    longer = format_duration(min(LONGEST_START_S, 6 * backend.start_timeout_s))
    return f'if it is only slow, write start_timeout = "{longer}" in [backends.{backend.name}]'


def _open_to_others(folder: Path) -> None:
    """Let everybody look into the folder where we are root, who may make servers another user, as
    nginx does to its workers."""
    if os.geteuid() == 0:
        folder.chmod(0o755)


def keep_little(folder: Path) -> None:
    """Of the folder of a server that has failed, keep what a person may want to read: a number of
    regular files that are not large. Databases, sockets and links go. Raises OSError."""
    kept = 0
    _reclaim(folder)
    for place, folders, names in os.walk(folder, topdown=False):
        for name in sorted(names):
            about = os.lstat(os.path.join(place, name))
            fits = stat.S_ISREG(about.st_mode) and about.st_size <= LARGEST_KEPT_BYTES
            if fits and kept < KEPT_FILES:
                kept += 1
            else:
                os.unlink(os.path.join(place, name))
        for name in folders:
            path = os.path.join(place, name)
            if os.path.islink(path):
                os.unlink(path)
            elif not os.listdir(path):
                os.rmdir(path)
    if not os.listdir(folder):
        folder.rmdir()


def remove_folder(folder: Path) -> None:
    """Remove the folder of a server, whatever it has made of it. Raises OSError."""
    if os.path.lexists(folder):
        _reclaim(folder)
        shutil.rmtree(folder)


def _reclaim(folder: Path) -> None:
    """Undo what a server has forbidden us in its folders, which are ours all the same."""
    folder.chmod(0o700)
    for place, folders, _ in os.walk(folder):
        for path in (os.path.join(place, name) for name in folders):
            if not os.path.islink(path):
                os.chmod(path, 0o700)
