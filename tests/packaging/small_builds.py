# SPDX-License-Identifier: BSD-3-Clause
"""A checkout of two programs, built by the real code and Meson in seconds, on a machine of its own.

Its compiler sees neither liburing nor libaio of this machine: what is installed, the test installs.
"""

import hashlib
import http.server
import io
import json
import os
import shlex
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fibench.build.meson import tool_environment
from fibench.build.record import RECORD
from fibench.folders import Places, find_places

from .copies import CHECKOUT

MESON = """
project('small', 'c', version : '0.1.0', meson_version : '>=1.3',
  default_options : ['c_std=gnu11', 'warning_level=3', 'buildtype=release', 'b_pie=true',
    'b_ndebug=false'])
cc = meson.get_compiler('c')
programs_dir = get_option('libexecdir') / 'fibench'
arguments = ['-D_GNU_SOURCE']
link_arguments = []
add_project_arguments(arguments, language : 'c')
subdir('src_c/core/libraries')
subdir('src_c/record')
executable('plain_server', 'plain.c', install : true, install_dir : programs_dir)
if uring_dep.found()
  executable('uring_server', 'uring.c', dependencies : uring_dep, install : true,
    install_dir : programs_dir)
endif
"""
PLAIN = "int main(void) { return 0; }\n"
URING = """#include <liburing.h>
int main(void) { return io_uring_register_buf_ring(0, 0, 0) != 0; }
"""
HEADER = """struct io_uring;
struct io_uring_buf_reg;
int io_uring_register_buf_ring(struct io_uring *, struct io_uring_buf_reg *, unsigned);
"""
SOURCE = """#include <liburing.h>
int io_uring_register_buf_ring(struct io_uring *a, struct io_uring_buf_reg *b, unsigned c)
{ return a != 0 || b != 0 || c != 0; }
"""
HIDDEN = ("liburing", "liburing.h", "libaio.h")
DIRECTORY = "liburing-small"


REAL = os.environ.get("CC") or "cc"
COMPILER = shlex.split(REAL)[0]


@dataclass
class Small:
    """The checkout, and the machine that it is built on."""

    root: Path
    system: Path
    """Where its compiler looks for headers and libraries first; empty at the beginning."""
    compiler: Path

    @property
    def places(self) -> Places:
        return find_places(self.root / "src_py" / "fibench", self.root)

    def programs(self) -> set[str]:
        """The names of what is installed."""
        return {path.name for path in self.places.programs.iterdir()}

    def wrap(self, url: str, data: bytes) -> None:
        """Write the .wrap file: what is to be brought from where."""
        (self.root / "subprojects" / "liburing.wrap").write_text(
            f"[wrap-file]\ndirectory = {DIRECTORY}\nsource_url = {url}\n"
            f"source_filename = {DIRECTORY}.tar.gz\n"
            f"source_hash = {hashlib.sha256(data).hexdigest()}\npatch_directory = liburing\n"
            "[provide]\nliburing = liburing_dep\n"
        )

    def install_liburing(self) -> None:
        """As a package of the system would."""
        library = self.system / "lib" / "liburing.c"
        library.write_text(SOURCE)
        (self.system / "include" / "liburing.h").write_text(HEADER)
        target = library.with_suffix(".so")
        subprocess.run(
            [self.compiler, "-shared", "-fPIC", library, "-o", target], check=True, cwd="/"
        )

    def remove_liburing(self) -> None:
        (self.system / "include" / "liburing.h").unlink()
        (self.system / "lib" / "liburing.so").unlink()


def make_small(folder: Path, compiler: str) -> Small:
    """Make the checkout below a folder."""
    root = folder / "checkout"
    for name in ("src_c/core/libraries", "src_c/record", "subprojects/packagefiles"):
        shutil.copytree(CHECKOUT / name, root / name)
    shutil.copy2(CHECKOUT / "meson.options", root)
    for name, text in {"meson.build": MESON, "plain.c": PLAIN, "uring.c": URING}.items():
        (root / name).write_text(text)
    system = folder / "system"
    for name in ("include", "lib"):
        (system / name).mkdir(parents=True)
    return Small(root, system, _compiler(folder, system, compiler))


def with_commands(small: Small) -> Small:
    """The same checkout with the commands in it, as `python -I tasks.py` runs them."""
    shutil.copy2(CHECKOUT / "tasks.py", small.root)
    shutil.copytree(CHECKOUT / "src_py" / "fibench", small.root / "src_py" / "fibench")
    return small


def _compiler(folder: Path, system: Path, real: str) -> Path:
    """A compiler that sees all headers of this machine but those of the two libraries."""
    done = subprocess.run(
        [real, "-E", "-v", "-x", "c", "/dev/null"],
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C"},
        check=True,
        capture_output=True,
        text=True,
    )
    said = done.stderr.split("search starts here:\n")[-1].split("End of search")[0]
    options = [f"-isystem {system}/include", f"-L{system}/lib"]
    for number, line in enumerate(line for line in said.splitlines() if line.startswith(" ")):
        seen = folder / "headers" / str(number)
        seen.mkdir(parents=True)
        for entry in Path(line.strip()).iterdir():
            if entry.name not in HIDDEN:
                (seen / entry.name).symlink_to(entry)
        options.append(f"-isystem {seen}")
    script = folder / "compiler"
    script.write_text(f'#!/bin/sh\nexec {real} -nostdinc "$@" {" ".join(options)}\n')
    script.chmod(0o755)
    return script


def record(small: Small) -> dict[str, Any]:
    """How its programs were built."""
    document: dict[str, Any] = json.loads((small.places.programs / RECORD).read_bytes())
    return document


def by_hand(small: Small, *command: str, **environment: str) -> str:
    """What a command in the checkout prints, where all goes well."""
    done = subprocess.run(
        command,
        cwd=small.root,
        env=tool_environment() | environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def small_archive() -> bytes:
    """A liburing of one function, packed as the real one is."""
    files = {"src/include/liburing.h": HEADER, "src/setup.c": SOURCE}
    files |= {f"src/{name}.c": "" for name in ("queue", "register", "syscall", "version")}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, text in files.items():
            about = tarfile.TarInfo(f"{DIRECTORY}/{name}")
            about.size = len(text)
            archive.addfile(about, io.BytesIO(text.encode()))
    return packed.getvalue()


ARCHIVE = small_archive()


@dataclass
class Site:
    """An HTTP server on 127.0.0.1 that counts what it is asked for."""

    port: int
    asked: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/{DIRECTORY}.tar.gz"


Request = http.server.BaseHTTPRequestHandler
Answer = Callable[[Request], None]


@contextmanager
def serving(answer: Answer) -> Iterator[Site]:
    """Serve, each request by `answer`."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append(self.path)
            answer(self)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        site = Site(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield site
        finally:
            server.shutdown()
            thread.join()


def reply(
    request: http.server.BaseHTTPRequestHandler, data: bytes, length: int | None = None
) -> None:
    """Send data, as if it were of another length."""
    request.send_response(200)
    request.send_header("Content-Length", str(len(data) if length is None else length))
    request.end_headers()
    request.wfile.write(data)


def whole(request: Request) -> None:
    """Send the archive."""
    reply(request, ARCHIVE)
