# SPDX-License-Identifier: BSD-3-Clause
"""What the numbers of a run depend on: it is resumed only where all of that is as it was.

Reading takes some milliseconds: it hashes the programs that the plan runs, and no others.
"""

import hashlib
import json
import os
import platform
import re
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TypedDict

from fibench.backends import Backend, interpreter_records
from fibench.backends.interpreters import own
from fibench.backends.own_python import is_python_of
from fibench.backends.own_servers import path_of
from fibench.experiment import Experiment
from fibench.json_values import Object, object_or_empty
from fibench.machine import cores as machine
from fibench.plan import Trial
from fibench.plan.searching.found import open_searches
from fibench.record import SCHEMA
from fibench.run._attempts import NOISE, accepts_noise, tails
from fibench.run._imports import measuring_digest
from fibench.trial.trial import TrialContext
from fibench.trial.untimed.syscalls import strace
from fibench.wording import escaped

_LARGEST_HASHED = 64 << 20
"""Bytes. A larger file named in a command of one's own goes by its size and time: it is data."""

_MOST_MODULES = 1000
"""Of one package: what has more is no server's own."""

TOLD_ONLY = {
    "design": "tells a person what it is",
    "mechanism": "likewise",
    "teaches": "likewise",
    "limits": "likewise",
    "course": "whether it is of the course, which `backends` tells",
    "needs": "whether it can run here, which is compared as what was left out",
}
"""The fields of a backend that no trial reads, and what they are there for."""

ABSENT = "absent"
OTHER_PARAMETERS = "its parameters, blocks or seed were others"
_RUNNER = "fibench's way to run trials"
_IMPORT = re.compile(r"^\s*(?:from|import)\s+([\w., ]+)", re.MULTILINE)


class Identity(TypedDict):
    """What the numbers of a run depend on, as plan.json keeps it; absent things are null."""

    schema: int
    parameters: str
    """A digest of all that is measured, in whichever order: a run is found without its seed."""
    programs: Mapping[str, str]
    """The digests of all that a plan runs, by names that a person knows."""
    interpreters: Mapping[str, Object]
    """By the text that asks for each."""
    left_out: list[str]
    tails: list[str]
    """The cells of which a claim is about a high percentile: they ask for a quieter machine."""
    noise: str | None
    """"accept": what is disturbed is not measured again, and no run ends for it."""
    boot_id: str | None
    kernel: str
    governor: str | None
    power_source: str | None
    cores: list[list[int]]


def identity(experiment: Experiment, trials: Sequence[Trial], context: TrialContext) -> Identity:
    """What the numbers of a run, begun now, would depend on; absent things are null."""
    used = backends_used(trials, context)
    return {
        "schema": SCHEMA,
        "parameters": _parameters(experiment, trials, used),
        "programs": programs(trials, used, context.programs),
        "interpreters": interpreters(trials, context),
        "left_out": sorted(absent.cell.key for absent in experiment.absent.cells),
        "tails": tails(experiment),
        "noise": "accept" if accepts_noise() else None,
        "boot_id": machine.boot_id(),
        "kernel": platform.release(),
        "governor": machine.governor(),
        "power_source": machine.power_source(),
        "cores": machine.physical_cores(),
    }


def backends_used(trials: Iterable[Trial], context: TrialContext) -> dict[str, Backend]:
    """The backends that a plan starts, by name."""
    names = sorted({trial.cell.backend for trial in trials})
    return {name: context.backend(name) for name in names}


def _parameters(
    experiment: Experiment, trials: Sequence[Trial], used: Mapping[str, Backend]
) -> str:
    """A digest of all that is measured, in whichever order, and of what rates are looked for."""
    searches = [search.as_json() for search in open_searches(experiment)]
    searched = {"searches": searches} if searches else {}
    document = {
        "blocks": [experiment.plan.blocks.least, experiment.plan.blocks.most],
        "trials": sorted((trial.key, trial.cell.parameters.as_json()) for trial in trials),
        "backends": {name: _as_measured(one) for name, one in used.items()},
        **searched,
    }
    text = json.dumps(document, sort_keys=True, default=vars)
    return hashlib.sha256(text.encode()).hexdigest()


def _as_measured(backend: Backend) -> dict[str, object]:
    """What a catalogue says of a backend that its trials depend on: all but words about it."""
    return {
        name: str(value) if isinstance(value, Path) else value
        for name, value in vars(backend).items()
        if name not in TOLD_ONLY
    }


def programs(trials: Iterable[Trial], used: Mapping[str, Backend], folder: Path) -> dict[str, str]:
    """The digest of every program that a plan runs, by file name; ABSENT where there is none."""
    files = program_files(trials, used, folder)
    return {name: digest(files[name]) for name in sorted(files)} | {_RUNNER: measuring_digest()}


def program_files(
    trials: Iterable[Trial], used: Mapping[str, Backend], folder: Path
) -> dict[str, Path]:
    """Every program and script that a plan runs, by the name that a person knows it by."""
    files: dict[str, Path] = {name: folder / name for name in ("supervise", "probe")}
    for trial in trials:
        process = trial.cell.parameters.kind == "process"
        for name in ("client.py", "client_bench.sh") if process else ("fibload",):
            files[name] = folder / name
        tracer = strace() if trial.role == "syscalls" else None
        if tracer is not None:  # where there is none, the record says that nothing was counted
            files["strace"] = Path(tracer)
    for backend in used.values():
        if backend.command:
            files |= _files_of(backend)
        elif backend.language == "python":
            files |= {path.name: path for path in with_modules(folder / backend.program)}
        else:
            files[backend.program] = folder / backend.program
    return files


def _files_of(backend: Backend) -> dict[str, Path]:
    """The files that the command of a server of one's own names: the program, whether it is there
    or not, and its script, with the modules beside that."""
    folder = backend.folder or Path()
    told = _told_folders(backend, folder)
    started = (folder, *told)
    found = {}
    for place, word in enumerate(backend.command):
        path = folder / word
        if place == 0 and os.sep not in word:
            path = Path(shutil.which(word, path=path_of(dict(backend.env))) or path)
        is_module = backend.command[place - 1 : place] == ("-m",)
        name = word if is_module else _before_the_object(word)
        modules = [one for at in started for one in _module(at, name, started)]
        if place == 0 or _is_file(path):
            found[f"{backend.name}: {word}"] = path
            beside = (path.parent, *told)
            modules = with_modules(path, beside)[1:] if path.suffix == ".py" else []
        found |= {f"{backend.name}: {os.path.relpath(one, folder)}": one for one in modules}
    return found


def _told_folders(backend: Backend, folder: Path) -> list[Path]:
    """Folders in which a command is told to look for modules, beside where it is started:
    `--chdir FOLDER`, `--app-dir=FOLDER`, PYTHONPATH."""
    words = [word.rpartition("=")[2] for word in backend.command[1:]]
    words += dict(backend.env).get("PYTHONPATH", "").split(os.pathsep)
    return [folder / word for word in words if word and _is_folder(folder / word)]


def _before_the_object(word: str) -> str:
    """The module of `module:object`, as gunicorn and uvicorn are told an application."""
    module, colon, name = word.partition(":")
    is_object = all(one.isidentifier() for one in name.partition("(")[0].split("."))
    return module if colon and is_object else ""


def _module(folder: Path, name: str, imported_from: Sequence[Path]) -> list[Path]:
    """The files of what `python3 -m NAME` runs, where it is in the folder."""
    words = name.split(".")
    if not all(word.isidentifier() for word in words):
        return []
    path = folder.joinpath(*words)
    mains = (path.with_name(f"{path.name}.py"), path / "__main__.py")
    main = next((one for one in mains if _is_file(one)), None)
    return [] if main is None else [*with_modules(main, imported_from), *_in_package(path)]


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a program in the argument list is longer than a name may be
        return False


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def with_modules(program: Path, folders: Sequence[Path] = ()) -> list[Path]:
    """A Python program and the modules and packages beside it, or in `folders`, that it imports,
    and that these import. Of a package all modules."""
    places = dict.fromkeys(folders or (program.parent,))
    found = {program: None}
    waiting = [program]
    while waiting:
        for name in _imports(waiting.pop()):
            every = [[at / f"{name}.py", *_in_package(at / name)] for at in places]
            for path in chain.from_iterable(every):
                if path not in found and path.is_file():
                    found[path] = None
                    waiting.append(path)
    return list(found)


def _in_package(folder: Path) -> list[Path]:
    """The modules of a package, and of those in it; none of a folder that is none."""
    try:
        is_one = (folder / "__init__.py").is_file()
        return sorted(folder.rglob("*.py"))[:_MOST_MODULES] if is_one else []
    except (OSError, ValueError):
        return []


def _imports(path: Path) -> set[str]:
    """The modules that a file may import: a name too many does no harm, as it must be a file too.

    A pattern takes a hundredth of what parsing would.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return set()
    return {
        name.strip().partition(".")[0].partition(" ")[0]
        for names in _IMPORT.findall(text)
        for name in names.split(",")
    }


def digest(path: Path) -> str:
    """What tells a file's content from any other; ABSENT where there is no such file."""
    try:
        about = path.stat()
        if about.st_size > _LARGEST_HASHED:
            return f"{about.st_size} bytes of {about.st_mtime_ns}"
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return ABSENT


def interpreters(trials: Iterable[Trial], context: TrialContext) -> Mapping[str, Object]:
    """The interpreters that servers and the course's clients run on, by the text that asks for
    each; the default by its path."""
    found = {}
    for trial in trials:
        in_python = context.backend(trial.cell.backend).language == "python"
        asked = trial.cell.parameters.interpreter if in_python else None
        if asked is not None:
            found[asked] = context.interpreters[asked]
        on_ours = (in_python and asked is None) or trial.cell.parameters.kind == "process"
        if on_ours and sys.executable not in found:
            found[sys.executable] = own()
        found |= {
            name: one
            for name, one in context.interpreters.items()
            if is_python_of(name, trial.cell.backend)
        }
    return interpreter_records(found)


def difference(before: Object, now: Identity) -> str | None:
    """What has changed between two identities, as a clause; None when nothing has.

    `before` comes from a file, and may be anything.
    """
    if before.get("schema") != now["schema"]:
        return _of_version(before.get("schema"), now["schema"])
    asked = _asked_otherwise(before, now)
    if asked is not None:
        return asked
    changed = _changed(before.get("programs"), now["programs"])
    if changed:
        return f"{_listed(changed)} {'has' if len(changed) == 1 else 'have'} changed since"
    changed = _changed(before.get("interpreters"), now["interpreters"])
    if changed:
        return f"the Python that runs servers or clients ({_listed(changed)}) has changed since"
    if before.get("boot_id") != now["boot_id"]:
        return "the machine was restarted since"
    often: dict[str, str | None] = {
        "kernel": now["kernel"],
        "governor": now["governor"],
        "power_source": now["power_source"],
    }
    for key, value in often.items():
        if before.get(key) != value:
            name = {"governor": "frequency governor", "power_source": "power source"}.get(key, key)
            return f"the {name} was {_said(before.get(key))}, and is {_said(value)}"
    if before.get("cores") != now["cores"]:
        return "it could use other cores"
    return None


def _asked_otherwise(before: Object, now: Identity) -> str | None:
    """What was asked for that is not now, as a clause."""
    asked = {
        "left_out": "what can be run here has changed since",
        "parameters": OTHER_PARAMETERS,
        "tails": "high percentiles of other cells are claimed, which decides what disturbs them",
    }
    for key, said in asked.items():
        if before.get(key, []) != now.get(key, []):
            return said
    was, noise = (one or "not set" for one in (before.get("noise"), now["noise"]))
    return None if was == noise else f"{NOISE} was {_said(was)}, and is {_said(noise)}"


def _of_version(schema: object, now: int) -> str:
    if type(schema) is int and schema < now:
        return f"an earlier version of fibench kept it, by other rules (schema {schema}, not {now})"
    return "another version of fibench wrote it"


def _changed(before: object, now: Object) -> list[str]:
    known = object_or_empty(before)
    return [str(name) for name in sorted({*known, *now}) if known.get(name) != now.get(name)]


def _listed(names: Sequence[str], most: int = 3) -> str:
    every = [escaped(name) for name in names]
    if len(every) > most:
        return f"{', '.join(every[:most])} and {len(every) - most} more"
    return " and ".join([", ".join(every[:-1]), every[-1]] if len(every) > 1 else every)


def _said(value: object) -> str:
    return "unknown" if value is None else escaped(str(value)[:100])
