# SPDX-License-Identifier: BSD-3-Clause
"""The command line: how a command is declared, read by Invoke, and ended: every end has its words
and exit status.

Invoke's own configuration, files and variables, is not read: a person's is for their own tasks.
"""

import ast
import contextlib
import errno
import functools
import inspect
import os
import re
import shutil
import sys
import textwrap
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice

from invoke.collection import Collection
from invoke.config import Config
from invoke.exceptions import Exit, ParseError
from invoke.parser.context import ParserContext
from invoke.program import Program
from invoke.tasks import Task, task

from fibench import interruption, streams
from fibench.commands.refused import NOT_STARTED, WRONG_INPUT, Refused
from fibench.machine import descendants
from fibench.parameters import arguments, option_flag, options

TRACEBACK = "FIBENCH_TRACEBACK"
"""The variable that shows where a mistake of fibench itself is."""

_HINTS = {
    errno.ENOSPC: "free some space, or write elsewhere",
    errno.EDQUOT: "free some space, or write elsewhere",
    errno.EACCES: "take another place, or make this one yours",
    errno.EPERM: "take another place, or make this one yours",
    errno.EROFS: "name other places: FIBENCH_RESULTS=/some/where FIBENCH_BUILD=/else/where",
    errno.EMFILE: "raise `ulimit -n`",
    errno.ENFILE: "end something else: the system has no more open files to give",
    errno.EAGAIN: "raise `ulimit -u`, or end something else",
    errno.ENOMEM: "end something else: there is no memory left",
}
SECOND_WORDS = {"serve": "--file"}
"""By the name of a task, the option that its second word is the value of: of Invoke's own, every
word but options is needed."""
LATER_WORDS = {"grade": "--run"}
"""Likewise the option that the second word and every later one is a value of."""
_ABSENT = re.compile(r"'(?P<task>.+)' did not receive required positional arguments: (?P<names>.+)")
_UNKNOWN = re.compile(r"No idea what (?P<quoted>.*) is!", re.DOTALL)


OF_KEYS: Mapping[str, Mapping[str, str]] = {"overrides": options(), "of_server": arguments()}
"""By the parameter of a command that gets them: the options that are made from the table of keys,
with what `--help` says of each. `overrides` replace a key of the file; `of_server` are handed on to
a server.
"""

_KEYWORD = inspect.Parameter.POSITIONAL_OR_KEYWORD
Body = Callable[..., None]


class HelpAsked(Exception):
    """A task was given --help in the place of an argument; the text is the task's name."""


def _refuse_empty(texts: Mapping[str, object]) -> None:
    """Refuse an empty text: it would be taken for an option that was not given."""
    for name, text in texts.items():
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
    option that was not given.
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
            _refuse_empty({**keywords, **({} if gathered == "overrides" else given)})
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


class _Unconfigured(Config):
    """Invoke's defaults, whatever ~/.invoke.yaml, /etc/invoke.json or INVOKE_TASKS_… say."""

    def load_base_conf_files(self) -> None:
        pass

    def load_project(self, merge: bool = True) -> None:
        pass

    def load_runtime(self, merge: bool = True) -> None:
        pass

    def load_shell_env(self) -> None:
        pass


class CommandLine(Program):
    """The program that offers a collection of tasks."""

    def __init__(self, binary: str, version: str, namespace: Collection) -> None:
        super().__init__(
            name="fibench",
            binary=binary,
            version=version,
            namespace=namespace,
            config_class=_Unconfigured,
        )

    @property
    def initial_context(self) -> ParserContext:
        """What is read first: a bare `invoke` may be told where to look, -r FOLDER, -c tasks."""
        return ParserContext(args=[*self.core_args(), *self.task_args()])

    def print_columns(self, tuples: Sequence[tuple[str, str | None]]) -> None:
        """Names and words side by side: Invoke's own ends in a traceback on a narrow terminal."""
        width = max((len(name) for name, _ in tuples), default=0)
        columns = shutil.get_terminal_size().columns
        wrapper = textwrap.TextWrapper(max(20, columns - width - 6))
        for name, words in tuples:
            first, *rest = wrapper.wrap(words or "") or [""]
            print(f"  {name:<{width}}   {first}".rstrip())
            for line in rest:
                print(" " * (width + 5) + line)
        print()

    def parse_tasks(self) -> None:
        """Read the words of a task: one that may have more gets them by an option."""
        words = self.core.unparsed
        every = {**SECOND_WORDS, **LATER_WORDS}
        if words and words[0] in every:
            task, option = self._make_parser().contexts[words[0]], every[words[0]]
            self.core.unparsed = _with_option(words, task, option, words[0] in LATER_WORDS)
        super().parse_tasks()

    def main(self, argv: Sequence[str] | None = None) -> int:
        """Do what a command line asks for; returns the exit status, and never raises.

        To be called once, as the last thing that a process does.
        """
        status = NOT_STARTED
        try:
            status = self._to_the_end(list(sys.argv if argv is None else argv))
        except KeyboardInterrupt as interrupt:  # a second, while the first was answered
            status = interruption.exit_status(interruption.signal_of(interrupt))
        interruption.ignore()
        try:
            sys.stdout.flush()
        except OSError:  # it was said, or the command has been interrupted
            streams.discard_output()
        return status

    def _to_the_end(self, argv: list[str]) -> int:
        try:
            if not streams.prepare():
                raise Refused("standard output is closed", "to see nothing, send it to /dev/null")
            try:
                interruption.raise_interrupted(descendants)
                status = self._ended_by_itself(argv)
                sys.stdout.flush()
                return status
            except KeyboardInterrupt:
                interruption.end_at_once()
                raise
        except KeyboardInterrupt as interrupt:
            _say("interrupted")
            return interruption.exit_status(interruption.signal_of(interrupt))
        except Refused as refusal:
            with contextlib.suppress(OSError):
                sys.stdout.flush()
            _say(str(refusal))
            return refusal.status
        except BrokenPipeError:
            streams.discard_output()
            _say("the output's reader has gone before the end")
            return NOT_STARTED
        except OSError as error:
            return _failed_call(error)
        except Exception as error:
            return _mistake(error)

    def _ended_by_itself(self, argv: list[str]) -> int:
        try:
            self.create_config()
            self.parse_core(argv)
            self.parse_collection()
            self.parse_tasks()
            self.parse_cleanup()
            self.update_config()
            self.execute()
        except Exit as end:
            if end.message:
                _say(end.message)
            return end.code
        except HelpAsked as asked:
            self.print_task_help(str(asked))
        except ParseError as error:
            raise self._refusal(error) from error
        return 0

    def _refusal(self, error: ParseError) -> Refused:
        """What is wrong with the command line, and the nearest word that would not be."""
        from fibench.wording import did_you_mean, escaped

        unknown = _UNKNOWN.fullmatch(str(error))
        asked = error.context or (self.tasks[-1] if getattr(self, "tasks", None) else None)
        help_of = f"{self.binary} --help {asked.name}" if asked and asked.name else None
        if unknown is None:
            what = " ".join(str(error).split())
            if absent := _ABSENT.fullmatch(what):
                names = absent["names"].replace("'", "").upper()
                what = f"{absent['task']} needs {names.replace(', ', ' and ')}, which is not given"
            return Refused(escaped(what), f"`{help_of or self.binary + ' --help'}` shows how")
        word = str(ast.literal_eval(unknown["quoted"]))
        if asked and (twice := _given_twice(self.argv, asked)):
            return Refused(f"{twice} is given twice", "keep one of them")
        if word.startswith("-"):
            flags = list(asked.flags) if asked else list(self.initial_context.flags)
            what = f"there is no option {escaped(word[:100])}"
            what += f" of {asked.name}" if asked and asked.name else ""
            near = did_you_mean(word, flags)
            hint = f"`{help_of or self.binary + ' --help'}` lists the options"
        else:
            what = f"there is no command {escaped(word[:100])}"
            near = did_you_mean(word, _names(self.collection))
            hint = f"`{self.binary} --list` lists the commands"
        return Refused(what, f"did you mean {near}? {hint}" if near else hint)


def _with_option(words: Sequence[str], task: ParserContext, option: str, later: bool) -> list[str]:
    """The words of a task with an option before the second of them that belongs to none, and
    before each `later` one."""
    found, bare, rest = [words[0]], 0, iter(words[1:])
    for word in rest:
        argument = task.flags.get(word)
        if not word.startswith("-"):
            bare += 1
            found += [option] * (bare == 2 or (later and bare > 2))
        found.append(word)
        if argument is not None and argument.takes_value:
            found.extend(islice(rest, 1))
    return found


def _given_twice(argv: Sequence[str], asked: ParserContext) -> str | None:
    """The option that stands twice on a command line: Invoke takes the second's value for none."""
    seen: set[str] = set()
    words = iter(argv)
    for word in words:
        flag, with_value, _ = word.partition("=")
        argument = asked.flags.get(flag)
        if argument is None or not argument.takes_value or argument.kind is list:
            continue
        if flag in seen:
            return flag
        seen.add(flag)
        if not with_value:
            next(words, None)
    return None


def _names(collection: Collection) -> Iterable[str]:
    return sorted(collection.task_names)


def _failed_call(error: OSError) -> int:
    name = f"{error.filename}: " if error.filename else ""
    hint = _HINTS.get(error.errno or 0, "mend that, and try again")
    if error.filename == "standard output":
        streams.discard_output()
        name = "cannot write to standard output: "
    _say(f"{name}{error.strerror or error}\n{hint}")
    return NOT_STARTED


def _mistake(error: Exception) -> int:
    """What nobody has foreseen."""
    if os.environ.get(TRACEBACK):
        traceback.print_exception(error)
    words = " ".join(f"{type(error).__name__}: {error}".split())
    _say(f"fibench itself has failed: {words[:300]}")
    _say(f"{TRACEBACK}=1 before the command shows where; whoever mends it needs that")
    return NOT_STARTED


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
