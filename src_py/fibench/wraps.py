# SPDX-License-Identifier: BSD-3-Clause
"""Bringing the source of a library that the system lacks, as a Meson wrap names it.

Meson would do so itself, but it tries for minutes where a network swallows everything.
"""

import configparser
import contextlib
import filecmp
import hashlib
import http.client
import os
import queue
import shutil
import tempfile
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

SILENCE_LIMIT_S = 10.0
"""How long a server may say nothing."""
LIMIT_S = 30.0
"""How long all of it may take, the resolving of names included."""
_LARGEST = 32 << 20
_CACHE = "packagecache"


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

    def patches(self) -> list[Path]:
        """The files that Meson lays over the source."""
        folder = self.subprojects / "packagefiles" / self.patch
        return sorted(path for path in folder.rglob("*") if path.is_file())


def read_wrap(path: Path) -> Wrap:
    """Read a .wrap file. Raises WrapError."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
        told = parser["wrap-file"]
        return Wrap(
            path.parent,
            told["directory"],
            told["source_url"],
            told["source_filename"],
            told["source_hash"].lower(),
            told["patch_directory"],
        )
    except (OSError, UnicodeDecodeError, configparser.Error, KeyError) as error:
        raise WrapError(f"{path.name} cannot be read: {error}") from error


def drop_stale_source(wrap: Wrap) -> None:
    """Remove an unpacked source that is not whole, or has other patches than there are now.

    Meson would not touch it. Where it cannot be removed, Meson says what is wrong with it.
    """
    if not wrap.source.is_dir():
        return
    folder = wrap.subprojects / "packagefiles" / wrap.patch
    for patch in wrap.patches():
        laid = wrap.source / patch.relative_to(folder)
        if not laid.is_file() or not filecmp.cmp(patch, laid, shallow=False):
            shutil.rmtree(wrap.source, ignore_errors=True)
            return


def bring(wrap: Wrap) -> bool:
    """Have the archive where Meson looks for it; returns whether it had to be brought.

    Takes at most LIMIT_S. Nothing but a whole archive with the right digest ever has its name.
    Raises WrapError.
    """
    try:
        if _digest(wrap.archive.read_bytes()) == wrap.sha256:
            return False
    except OSError:
        pass
    data = _download(wrap.url)
    if _digest(data) != wrap.sha256:
        came, expected = _digest(data)[:12], wrap.sha256[:12]
        raise WrapError(f"what came from {wrap.url} has SHA-256 {came}…, not {expected}…")
    try:
        _keep(wrap.archive, data)
    except OSError as error:
        raise WrapError(f"{wrap.archive.parent} cannot be written: {error.strerror}") from error
    return True


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
    number, name = tempfile.mkstemp(prefix=".coming-", dir=path.parent)
    try:
        with open(number, "wb") as file:
            file.write(data)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
