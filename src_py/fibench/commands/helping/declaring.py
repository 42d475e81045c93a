# SPDX-License-Identifier: BSD-3-Clause
"""How a command is declared: an Invoke task whose options of text are never mistaken for others."""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence

from invoke.exceptions import Exit
from invoke.tasks import Task, task

from fibench.commands.refused import WRONG_INPUT, Refused
from fibench.parameters import arguments, of_cell, of_check, of_load, option_flag, options

OF_KEYS: Mapping[str, Mapping[str, str]] = {
    "overrides": options(),
    "of_server": arguments(),
    "of_load": of_load(),
    "of_check": of_check(),
    "of_cell": of_cell(),
}
"""By the parameter of a command that gets them: the options that are made from the table of keys,
with what `--help` says of each. `overrides` replace a key of the file; `of_server` are handed on to
a server, `of_load` to the load generator, `of_check` say what a server speaks, `of_cell` replace a
key of one cell.
"""

_KEYWORD = inspect.Parameter.POSITIONAL_OR_KEYWORD
Body = Callable[..., None]


class HelpAsked(Exception):
    """A task was given --help in the place of an argument; the text is the task's name."""


def _refuse_empty(texts: Mapping[str, object], positional: Sequence[str]) -> None:
    """Refuse an empty text: it would be taken for an option that was not given."""
    for name, text in texts.items():
        if text == "" and name in positional:
            raise Refused(f"{name.upper()} is empty", "give a name", WRONG_INPUT)
        if text == "" or (isinstance(text, list) and "" in text):
            what = f"{option_flag(name)}: is empty"
            raise Refused(what, "give a value, or leave the option out", WRONG_INPUT)


def command(
    *positional: str,
    help: Mapping[str, str] | None = None,  # noqa: A002 - Invoke's word
    optional: Sequence[str] = (),
    several: Sequence[str] = (),
    name: str = "",
) -> Callable[[Callable[..., int]], Task[Body]]:
    """Declare a task whose function returns an exit status; it is called as that, or by `name`.

    A function with a parameter of OF_KEYS gets every option of it that was given, as a mapping from
    the key to its text. Of the other options, an empty text is refused: it would be taken for an
    option that was not given. Options that may be given `several` times get a list.
    """

    def declare(function: Callable[..., int]) -> Task[Body]:
        said = dict(help or {})
        signature = inspect.signature(function)
        gathered = next((name for name in signature.parameters if name in OF_KEYS), None)
        of_keys = OF_KEYS[gathered] if gathered else {}
        texts = [p.name for p in signature.parameters.values() if isinstance(p.default, str)]

        @functools.wraps(function)
        def body(*arguments: object, **keywords: object) -> None:
            given = {key: keywords.pop(key, None) for key in of_keys}
            if {"--help", "-h"} & {keywords.get(name) for name in positional}:
                # Invoke takes an option that follows a task for the task's own argument.
                raise HelpAsked(name or function.__name__)
            for text in texts:
                if keywords.get(text) is None:
                    keywords.pop(text, None)
            if gathered:
                keywords[gathered] = {key: text for key, text in given.items() if text is not None}
            # What replaces a key of the file is told beside what is wrong with the file.
            told = {} if gathered == "overrides" else given
            _refuse_empty({**keywords, **told}, positional)
            status = function(*arguments, **keywords)
            if status != 0:
                raise Exit(code=status)

        # Invoke reads a task's options off its signature (inspect.signature, PEP 362). None is
        # what it gives for an option of text that is not there.
        every = [
            p.replace(default=None) if p.name in texts else p
            for p in signature.parameters.values()
            if p.name != gathered
        ]
        every += [inspect.Parameter(key, _KEYWORD, default=None) for key in of_keys]
        said |= of_keys
        body.__signature__ = signature.replace(parameters=every)  # type: ignore[attr-defined]
        made: Task[Body] = task(
            name=name or None,
            positional=list(positional),
            auto_shortflags=False,
            optional=optional,
            iterable=several,
            help=said,
        )(body)
        return made

    return declare
