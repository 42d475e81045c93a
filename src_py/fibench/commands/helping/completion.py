# SPDX-License-Identifier: BSD-3-Clause
"""Completion of a command line by the shell: what may stand in the place of its last word.

The scripts ask by `--complete -- WORD...`; what is printed are whole words, one a line. Where
nothing is, the shell completes names of files.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from fibench.export import OF_LISTS, OF_RUNS, PICTURES
from fibench.folders import find_places
from fibench.parameters import KEYS

if TYPE_CHECKING:
    from invoke.parser.context import ParserContext

SHELLS = ("bash", "zsh", "fish")
THROUGH_DEV = ("invoke", "python", "pytest", "ruff", "mypy", "meson")
"""What ./dev is given first."""
_BASH = """\
# Completion for bash:  source <({program} --print-completion-script bash)
_fibench() {
    local IFS=$'\\n' from=1
    local -a program=("${COMP_WORDS[0]}")
    if [ "${COMP_WORDS[0]##*/}" = dev ]; then
        if [ "$COMP_CWORD" -eq 1 ]; then
            COMPREPLY=($(compgen -W $'{through_dev}' -- "$2"))
            return
        fi
        [ "${COMP_WORDS[1]}" = invoke ] || return
        program+=(invoke)
        from=2
    fi
    COMPREPLY=($(compgen -W "$("${program[@]}" --complete -- \\
        "${COMP_WORDS[@]:from:COMP_CWORD-from+1}" 2>/dev/null)" -- "$2"))
}
complete -o default -F _fibench dev invoke inv fibench
"""
_ZSH = """\
# Completion for zsh:  source <({program} --print-completion-script zsh)
_fibench() {
    local from=2
    local -a program found
    program=("$words[1]")
    if [[ "${words[1]:t}" == dev ]]; then
        if (( CURRENT == 2 )); then
            compadd ${(f)"$(print -l $'{through_dev}')"}
            return
        fi
        [[ "$words[2]" == invoke ]] || { _files; return }
        program+=(invoke)
        from=3
    fi
    found=(${(f)"$("${program[@]}" --complete -- "${(@)words[from,CURRENT]}" 2>/dev/null)"})
    if (( $#found )); then compadd -a found; else _files; fi
}
compdef _fibench dev invoke inv fibench
"""
_FISH = """\
# Completion for fish:  {program} --print-completion-script fish | source
function __fibench
    set -l words (commandline --tokenize --cut-at-cursor --current-process)
    set -l last (commandline --current-token --cut-at-cursor)
    set -l program $words[1]
    set --erase words[1]
    if test (basename -- $program) = dev
        if test (count $words) -eq 0
            printf '%s\\n' {through_dev_fish}
            return
        end
        test $words[1] = invoke; or return
        set --append program invoke
        set --erase words[1]
    end
    $program --complete -- $words "$last" 2>/dev/null
end
for program in dev invoke inv fibench
    complete --command $program --arguments '(__fibench)'
end
"""
_SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def script(shell: str, program: str) -> str:
    """What a shell is to read, so that it asks for completion."""
    text = _SCRIPTS[shell].replace("{program}", program)
    text = text.replace("{through_dev_fish}", " ".join(THROUGH_DEV))
    return text.replace("{through_dev}", "\\n".join(THROUGH_DEV))


def candidates(
    words: Sequence[str], tasks: Mapping[str, ParserContext], core: Sequence[str]
) -> list[str]:
    """What may stand in the place of the last of the words behind the program's name.

    `tasks` are the commands by their names, `core` the options of all of them.
    """
    *before, last = words or [""]
    place = next((at for at, word in enumerate(before) if word in tasks), None)
    if place is None:
        asks_help = before[-1:] in (["--help"], ["-h"])
        every = list(core) if last.startswith("-") and not asks_help else sorted(tasks)
    else:
        every = _of_task(before[place], tasks[before[place]], before[place + 1 :], last)
    return [word for word in every if word.startswith(last)]


def _of_task(name: str, task: ParserContext, before: Sequence[str], last: str) -> list[str]:
    flag = task.flags.get(before[-1]) if before else None
    if flag is not None and flag.takes_value:
        return _values(name, str(flag.name))
    if last.startswith("-"):
        return sorted(word for word in task.flags if word.startswith("--"))
    bare, rest = 0, iter(before)
    for word in rest:
        argument = task.flags.get(word)
        if argument is not None and argument.takes_value:
            next(islice(rest, 1), None)
        bare += not word.startswith("-")
    places = [str(argument.name) for argument in task.positional_args]
    # An option that may stand several times has the bare words that follow.
    more = [str(argument.name) for argument in task.args.values() if argument.kind is list]
    place = places[bare] if bare < len(places) else next(iter(more), None)
    return _values(name, place) if place is not None else []


def _values(task: str, argument: str) -> list[str]:
    """What an argument of a task may be; empty where it is a file, or anything."""
    if argument == "format":
        return list(_formats(task))
    if task == "runs" and argument == "experiment":
        return _runs()
    if argument == "interpreter":
        return _interpreters()
    if (task, argument) in (("try", "first"), ("try", "second")):
        return _backends()
    if (task, argument) == ("watch", "file"):
        return _experiments()
    makers: Mapping[str, Callable[[], Iterable[str]]] = {
        "experiment": _experiments,
        "lab": _experiments,
        "backend": _backends,
        "run": _runs,
        "first": _runs,
        "second": _runs,
    }
    if argument in makers:
        return list(makers[argument]())
    key = KEYS.get(argument.replace("-", "_"))
    words = key.kind.schema.get("enum") if key is not None else None
    return list(map(str, words)) if isinstance(words, list) else []


def _formats(task: str) -> Sequence[str]:
    if task == "grade":
        from fibench.commands.graders.grade import GRADE_FORMATS

        return GRADE_FORMATS
    return {"report": (*OF_RUNS, *PICTURES), "runs": (*OF_LISTS, "html")}.get(task, OF_LISTS)


def _experiments() -> list[str]:
    folders = find_places().experiments
    return sorted({path.stem for folder in folders for path in folder.glob("*.toml")})


def _backends() -> list[str]:
    try:
        with find_places().catalogue.open("rb") as file:
            return [str(one["name"]) for one in tomllib.load(file)["backend"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []  # whoever starts a command is told what is wrong with the catalogue


def _interpreters() -> list[str]:
    from fibench.backends.found_interpreters import names_of_interpreters

    return names_of_interpreters(os.environ)


def _runs() -> list[str]:
    try:
        with os.scandir(find_places().results) as listing:
            return sorted(entry.name for entry in listing if entry.is_dir())
    except OSError:  # nothing was run yet
        return []
