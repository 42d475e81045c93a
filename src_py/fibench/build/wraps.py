# SPDX-License-Identifier: BSD-3-Clause
"""Bringing the source of a library that the system lacks, as a Meson wrap names it.

Meson would do so itself, but it tries for minutes where a network swallows everything, waits for
ever for what is no file, and takes what was unpacked for whole if a meson.build is in it.
"""

import configparser
import contextlib
import hashlib
import http.client
import io
import os
import queue
import shutil
import stat
import tarfile
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fibench.writing import reason

WRAP = Path("subprojects", "liburing.wrap")
"""In a checkout: of what a system may lack."""
SILENCE_LIMIT_S = 10.0
"""How long a server may say nothing."""
LIMIT_S = 30.0
"""How long all of it may take, the resolving of names included."""
_LARGEST = 32 << 20
_CACHE = "packagecache"
_COMING = ".coming-"
"""How the names begin of what is not whole yet."""


class WrapError(Exception):
    """A source could not be brought; the text says why, in a clause."""


@dataclass(frozen=True)
class Wrap:
    """What a .wrap file says (https://mesonbuild.com/Wrap-dependency-system-manual.html)."""

    subprojects: Path
    """The folder of the file."""
    directory: str
    url: str
    filename: str
    sha256: str
    patch: str

    @property
    def archive(self) -> Path:
        """Where Meson looks for what it would otherwise download."""
        return self.subprojects / _CACHE / self.filename

    @property
    def source(self) -> Path:
        """Where Meson unpacks it."""
        return self.subprojects / self.directory

    def has(self, path: str) -> bool:
        """Whether a path is inside the source."""
        return path.startswith(f"{self.source}{os.sep}")

    def patches(self) -> list[Path]:
        """The files that Meson lays over the source."""
        folder = self.subprojects / "packagefiles" / self.patch
        return sorted(path for path in folder.rglob("*") if path.is_file())


def read_wrap(path: Path) -> Wrap:
    """Read a .wrap file. Raises WrapError."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(_read(path).decode("utf-8"))
        told = parser["wrap-file"]
        return Wrap(
            path.parent,
            told["directory"],
            told["source_url"],
            told["source_filename"],
            told["source_hash"].lower(),
            told["patch_directory"],
        )
    except OSError as error:
        raise WrapError(f"{path.name} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, configparser.Error, KeyError) as error:
        raise WrapError(f"{path.name} cannot be read: {error}") from error


def unpack(wrap: Wrap, doubted: bool = False) -> bool:
    """Have the source whole and with the patches of now, or not at all; returns whether it changed.

    It is compared with the archive, if that is here. Without one it must have the patches, and is
    removed if it is `doubted`: if its files are not as they were when it was built. Raises
    WrapError.
    """
    archive, _ = _cached(wrap)
    if archive is None and not os.path.lexists(wrap.source):
        return False
    try:
        contents = _contents(wrap, archive)
        if not (doubted and archive is None) and _is_whole(wrap.source, contents):
            return False
        if os.path.lexists(wrap.source):
            remove(wrap.source)
        if archive is not None:
            _lay_out(wrap.source, contents)
    except OSError as error:
        if archive is not None and _is_whole(wrap.source, contents):
            return True  # another build was faster
        raise WrapError(f"{wrap.source}: {reason(error)}") from error
    except (tarfile.TarError, EOFError) as error:
        raise WrapError(f"{wrap.archive} cannot be unpacked: {error}") from error
    return True


def source_files(wrap: Wrap) -> list[str]:
    """The files of the unpacked source."""
    return [
        os.path.join(folder, name) for folder, _, names in os.walk(wrap.source) for name in names
    ]


def removable(wrap: Wrap) -> list[Path]:
    """What can be had again without a network: what the archive has, and what was never whole."""
    folders = [folder for folder in (wrap.subprojects, wrap.archive.parent) if folder.is_dir()]
    found = [path for folder in folders for path in folder.glob(f"{_COMING}*")]
    if os.path.lexists(wrap.source) and _cached(wrap)[0] is not None:
        found.append(wrap.source)
    return [path for path in found if os.access(path.parent, os.W_OK)]


def bring(wrap: Wrap) -> bool:
    """Have the archive in the cache; returns whether it had to be brought.

    Takes at most LIMIT_S. Nothing but a whole archive with the right digest ever has its name.
    Raises WrapError.
    """
    archive, why = _cached(wrap)
    if archive is not None:
        return False
    try:
        data = _download(wrap.url)
        if _digest(data) != wrap.sha256:
            came, expected = _digest(data)[:12], wrap.sha256[:12]
            raise WrapError(f"what came from {wrap.url} has SHA-256 {came}…, not {expected}…")
        _keep(wrap.archive, data)
    except WrapError as error:
        raise WrapError(f"{why}, and {error}" if why else str(error)) from error
    except OSError as error:
        failed = f"cannot be written: {error.strerror}"
        raise WrapError(f"{why}, and {failed}" if why else f"{wrap.archive} {failed}") from error
    return True


def _cached(wrap: Wrap) -> tuple[bytes | None, str]:
    """The archive, or why what has its name is of no use; that is empty if nothing has."""
    try:
        data = _read(wrap.archive)
    except FileNotFoundError:
        return None, ""
    except OSError as error:
        return None, f"{wrap.archive.name} in {_CACHE} cannot be read: {error.strerror}"
    if _digest(data) != wrap.sha256:
        return None, f"{wrap.archive.name} in {_CACHE} has SHA-256 {_digest(data)[:12]}…"
    return data, ""


def _read(path: Path) -> bytes:
    """A file, and nothing that would be waited for. Raises OSError."""
    number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            raise OSError(0, "it is not a file", str(path))
        with os.fdopen(number, "rb", closefd=False) as file:
            return file.read(_LARGEST)
    finally:
        os.close(number)


def _contents(wrap: Wrap, archive: bytes | None) -> Mapping[PurePosixPath, bytes]:
    """The files of the source, by their paths in it; those of the patches only, without archive."""
    contents = {}
    if archive is not None:
        with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
            for member in packed:
                path = PurePosixPath(member.name)
                inner = packed.extractfile(member) if member.isreg() else None
                if inner is not None and path.parts[0] == wrap.directory and ".." not in path.parts:
                    contents[path.relative_to(wrap.directory)] = inner.read()
    folder = wrap.subprojects / "packagefiles" / wrap.patch
    for patch in wrap.patches():
        contents[PurePosixPath(patch.relative_to(folder))] = patch.read_bytes()
    return contents


def _is_whole(source: Path, contents: Mapping[PurePosixPath, bytes]) -> bool:
    """Whether all files are there as they should be; one that nobody unpacked is as good."""
    if not os.path.lexists(source):
        return False
    try:
        return all(_read(source / path) == data for path, data in contents.items())
    except OSError:
        return False


def _lay_out(source: Path, contents: Mapping[PurePosixPath, bytes]) -> None:
    """Write all files, and only then give their folder its name."""
    coming = Path(tempfile.mkdtemp(prefix=_COMING, dir=source.parent))
    try:
        for path, data in contents.items():
            (coming / path).parent.mkdir(parents=True, exist_ok=True)
            (coming / path).write_bytes(data)
        coming.chmod(0o755)
        coming.rename(source)
    except BaseException:
        shutil.rmtree(coming, ignore_errors=True)
        raise


def remove(path: Path) -> None:
    """Remove a folder, or whatever else has its name. Raises OSError."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _download(url: str) -> bytes:
    """What a URL names. In a thread, as resolving a name may take minutes, and has no limit."""
    came: queue.SimpleQueue[bytes | WrapError] = queue.SimpleQueue()
    threading.Thread(target=lambda: came.put(_fetch(url)), daemon=True).start()
    try:
        result = came.get(timeout=LIMIT_S)
    except queue.Empty:
        raise WrapError(f"it did not come from {url} within {LIMIT_S:.0f} s") from None
    if isinstance(result, WrapError):
        raise result
    return result


def _fetch(url: str) -> bytes | WrapError:
    try:
        with urllib.request.urlopen(url, timeout=SILENCE_LIMIT_S) as response:
            data: bytes = response.read(_LARGEST)
            return WrapError(f"{url}: the reply ended early") if response.length else data
    except urllib.error.HTTPError as error:
        return WrapError(f"{url}: HTTP {error.code} {error.reason}")
    except http.client.HTTPException as error:
        return WrapError(f"{url}: the reply is not HTTP ({type(error).__name__})")
    except (OSError, ValueError) as error:
        return WrapError(f"{url}: {_reason(error)}")


def _reason(error: BaseException) -> str:
    """An error's own words, without its number."""
    inner = getattr(error, "reason", error)
    return str(getattr(inner, "strerror", None) or inner or type(inner).__name__)


def _keep(path: Path, data: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    number, name = tempfile.mkstemp(prefix=_COMING, dir=path.parent)
    try:
        with open(number, "wb") as file:
            file.write(data)
        os.chmod(name, 0o644)
        if path.is_dir():
            path.rmdir()
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
