# SPDX-License-Identifier: BSD-3-Clause
"""Setting a build folder up with Meson, and again whenever what it rests on is not as it was."""

import configparser
import contextlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from fibench import called
from fibench.build import premises, wraps
from fibench.build import record as built
from fibench.build.error import BuildError
from fibench.build.premises import Premises
from fibench.json_values import Object, object_or_empty
from fibench.wording import escaped

_STATE = "premises.json"
_RECORD = Path("src_c", "record", built.RECORD)
_WITHOUT = "building without io_uring: liburing 2.3 or newer is not installed, and"


@dataclass(frozen=True)
class Configuration:
    """A build folder, and what it is to be."""

    folder: Path
    checkout: Path
    options: list[str]
    environment: Mapping[str, str]
    meson: str
    step: Callable[[list[str]], object]
    """Runs a command; raises BuildError."""
    say: Callable[[str], None]
    """Tells a person, in one line."""
    before_change: Callable[[], None] = lambda: None
    """Is called before anything is changed: what it raises ends it there."""

    def bring_up_to_date(self, retry: bool) -> None:
        """Set the folder up if it is not, or not any more, as it is to be. Raises BuildError.

        What is missing is downloaded if it was not tried before, or with `retry`. Where variables
        cannot be obeyed, nothing is changed.
        """
        for name, why in premises.refused(self.environment).items():
            raise BuildError(f"{name} {escaped(why)}", f"mend it, or leave {name} out")
        state = _read(self.folder / _STATE)
        before = _premises(state)
        tried = bool(state.get("tried"))
        if not self._is_set_up():
            self.say("building the servers (the first time takes some seconds) …")
            now, tried = self._anew(), False
        elif changes := self._altered(before):
            self.say(f"{escaped('; '.join(changes))}: building everything anew")
            now, tried = self._anew(), False
        elif before is None or premises.moved(before) or self._is_set_up_by_hand():
            now, tried = self._again(), False
        elif retry and self._lacks_liburing():
            now, tried = before, False
        else:
            return
        if self._lacks_liburing() and not tried:
            now, tried = self._with_wrap(now), True
        self._keep(now, tried)
        flags = built.not_own(self._record().get("compiler"))
        if flags and not self.options and now != before:
            self.say(f"building with flags that are not fibench's own: {escaped(flags)}")

    def _is_set_up(self) -> bool:
        """Whether Meson can go on with the folder: it cannot where options were half written."""
        return (self.folder / "build.ninja").is_file() and _has_options(self._options)

    @property
    def _options(self) -> Path:
        return self.folder / "meson-private" / "cmd_line.txt"

    def _altered(self, before: Premises | None) -> list[str]:
        """What makes everything that was built another thing, or Meson unable to go on with it."""
        about = object_or_empty(
            _read(self.folder / "meson-info" / "meson-info.json").get("directories")
        )
        for was, now in (("build", self.folder), ("source", self.checkout)):
            if was in about and os.path.realpath(str(about[was])) != os.path.realpath(now):
                return [f"what was built before is of {about['source']}, or was moved"]
        return [] if before is None else premises.altered(before, self.environment)

    def _record(self) -> Object:
        return built.read_build(self.folder / _RECORD)

    def _lacks_liburing(self) -> bool:
        """Whether it could be had from the wrap."""
        wanted = built.why_without(self._record(), "liburing") == "not found"
        return wanted and self._known().get("wrap_mode") == "nodownload"

    def _with_wrap(self, now: Premises) -> Premises:
        """Bring the source of liburing, and configure with it; or say why not."""
        self.before_change()
        try:
            wrap = wraps.read_wrap(self.checkout / wraps.WRAP)
            brought = wraps.bring(wrap)
            brought |= wraps.unpack(wrap)
        except wraps.WrapError as why:
            self.say(f"{_WITHOUT} could not be brought along ({escaped(str(why))}); {_advice()}")
            return now
        if brought:
            now = self._again()
        if self._lacks_liburing():
            log = self.folder / "meson-logs" / "meson-log.txt"
            self.say(f"{_WITHOUT} the downloaded one cannot be built; {log} says why")
        return now

    def _anew(self) -> Premises:
        """Set up from nothing, with the options of an earlier time if there was one."""
        self.before_change()
        if _has_options(self._options):
            return self._setup(["--wipe"])
        # Of a setup that was cut off: Meson would neither go on with it nor begin; and what is told
        # of its options is true no more.
        for own in ("meson-private", "meson-info"):
            shutil.rmtree(self.folder / own, ignore_errors=True)
        return self._setup([])

    def _again(self) -> Premises:
        return self._setup(["--reconfigure", "--clearcache"])

    def _setup(self, how: list[str]) -> Premises:
        self.before_change()
        wrap = self._prepared_wrap()
        files = [self.checkout / wraps.WRAP, wrap.archive, *wrap.patches()] if wrap else []
        now = premises.see(self.environment, files)
        # A person's own choice stands. Meson's own downloads may take minutes to fail.
        mode = self._known().get("wrap_mode", "default")
        places = ["--prefix", str(self._prefix)]
        places += ["-Dwrap_mode=nodownload"] if mode == "default" else []
        (self.folder / _STATE).unlink(missing_ok=True)
        self.step(
            [
                self.meson,
                "setup",
                *how,
                *places,
                *self.options,
                str(self.folder),
                str(self.checkout),
            ]
        )
        if wrap and built.library_origin(self._record(), "liburing") == "wrap":
            source = premises.sights(wraps.source_files(wrap))
            now = replace(now, watched={**now.watched, **source})
        return now

    def _prepared_wrap(self) -> wraps.Wrap | None:
        """The wrap, its source whole if that can be had without a network."""
        before = _premises(_read(self.folder / _STATE))
        watched = before.watched if before else {}
        try:
            wrap = wraps.read_wrap(self.checkout / wraps.WRAP)
        except wraps.WrapError:
            return None
        ours = {path: sight for path, sight in watched.items() if wrap.has(path)}
        # Where it can be neither mended nor removed, Meson may do without it, or not need it.
        with contextlib.suppress(wraps.WrapError):
            wraps.unpack(wrap, doubted=premises.sights(ours) != ours)
        return wrap

    @property
    def _prefix(self) -> Path:
        return self.folder / "install"

    def _is_set_up_by_hand(self) -> bool:
        """Whether a person set the folder up, to install elsewhere or with liburing or without."""
        known = self._known()
        if known.get("prefix") != str(self._prefix) or known.get("wrap_mode") == "default":
            return True
        asked = known.get("liburing")
        asked = known.get("auto_features") if asked == "auto" else asked
        was_disabled = built.why_without(self._record(), "liburing") == "disabled"
        return was_disabled != (asked == "disabled")

    def _known(self) -> Object:
        """The options that the folder was set up with, as Meson's introspection keeps them."""
        try:
            path = self.folder / "meson-info" / "intro-buildoptions.json"
            return {one["name"]: one["value"] for one in json.loads(path.read_bytes())}
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    def _keep(self, now: Premises, tried: bool) -> None:
        document = {"tried": tried, **now.as_document()}
        (self.folder / _STATE).write_text(json.dumps(document, indent=1), encoding="utf-8")


def _has_options(path: Path) -> bool:
    """Whether Meson can read the options that it has kept."""
    kept = configparser.ConfigParser(delimiters=["="], interpolation=None)
    try:
        kept.read_string(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, configparser.Error):
        return False
    return kept.has_section("options") and kept.has_section("properties")


def _read(path: Path) -> Object:
    try:
        return object_or_empty(json.loads(path.read_bytes()))
    except (OSError, ValueError):
        return {}


def _premises(state: Object) -> Premises | None:
    try:
        return premises.from_document(state)
    except KeyError:
        return None


def _advice() -> str:
    return f"install it (liburing-dev, liburing-devel), or try `{called.command('build')}` again"
