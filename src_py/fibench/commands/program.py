# SPDX-License-Identifier: BSD-3-Clause
"""The command line: Invoke reads it, and every end of a command has its words and exit status.

Invoke's own configuration, files and variables, is not read: a person's is for their own tasks.
"""

import ast
import contextlib
import errno
import inspect
import os
import re
import shutil
import sys
import textwrap
import traceback
from collections.abc import Iterable, Sequence
from itertools import islice

from invoke.collection import Collection
from invoke.config import Config
from invoke.exceptions import Exit, ParseError
from invoke.parser.argument import Argument
from invoke.parser.context import ParserContext
from invoke.program import Program

from fibench import called, interruption, streams
from fibench.commands.helping.declaring import HelpAsked
from fibench.commands.refused import NOT_STARTED, WRONG_INPUT, Refused
from fibench.machine import descendants

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
SECOND_WORDS = {"serve": "--file", "watch": "--file"}
"""By the name of a task, the option that its second word is the value of: of Invoke's own, every
word but options is needed."""
LATER_WORDS = {"grade": "--run"}
"""Likewise the option that the second word and every later one is a value of."""
_OURS = ("help", "list", "version", "print-completion-script")
"""What of Invoke's own options means something here, and is told of."""
_UNTOLD = ("complete", "list-format", "list-depth", "collection", "no-dedupe", "search-root")
"""What does too, and is of no use to a person: completion asks so, and a bare `invoke` is told
where to look."""
_INSTEAD = {"dry": "`<plan>` shows what a run would do, and measures nothing"}
_TO_CHOOSE = {
    "try": "`<try py-mt py-mp>` for example; `<backends>` lists the names",
    "watch": "`<watch py-mt>` for example; `<backends>` lists the names",
    "serve": "`<serve py-mt>` for example; `<backends>` lists the names",
    "report": "`<report gil>` for example; `<runs>` lists what was run",
    "compare": "`<compare gil~1 gil>` for example; `<runs>` lists what was run",
    "grade": "`<grade lab.toml handed-in/>` for example: your file, and what was handed in",
    "check": "`<check './my_server {port}'>` for example",
    "load": "`<load 2999>` for example, where a server listens",
    "run": "name one of these, or a file: `<run gil>`",
    "plan": "name one of these, or a file: `<plan gil>`",
}
"""By the name of a task what to do where its word is missing; in < > commands of ours."""
_LISTED = ("run", "plan")
"""Tasks that list the experiments where none is named."""
_ABSENT = re.compile(r"'(?P<task>.+)' did not receive required positional arguments: (?P<names>.+)")
_UNKNOWN = re.compile(r"No idea what (?P<quoted>.*) is!", re.DOTALL)


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

    def core_args(self) -> list[Argument]:
        """Invoke's, with words of our own for what is told of them."""
        every: list[Argument] = super().core_args()
        for argument in every:
            if argument.name == "print-completion-script":
                argument.help = "Print what a shell completes words by: bash, zsh or fish."
            if argument.name == "list":
                argument.help = "List the commands."
            if argument.name == "help":
                argument.help = "Show this, or the help of a command: --help run."
        return every

    def _told_flags(self) -> list[str]:
        """The options of all commands that mean something here."""
        args = self.initial_context.args
        return [f"--{name}" for name in _OURS if name in args]

    def print_help(self) -> None:
        """Say how a command line is made, with what of Invoke's means something here."""
        print(f"Usage: {self.binary} [--help] COMMAND [ARGUMENT ...] [--OPTION ...]\n")
        print("Options of all commands:\n")
        told = ParserContext(
            args=[one for one in self.initial_context.args.values() if one.name in _OURS]
        )
        self.print_columns(told.help_tuples())
        self.list_tasks()

    def print_task_help(self, name: str) -> None:
        """Say how a command is given: its words first, then its options."""
        task = self.parser.contexts[name]
        words = [str(argument.name).upper() for argument in task.positional_args]
        print(f"Usage: {' '.join([self.binary, name, *words])} [--OPTION ...]\n")
        for line in (inspect.getdoc(self.collection[name]) or "").splitlines():
            print(f"  {line}".rstrip())
        print()
        self.print_columns(task.help_tuples())

    def _refuse_unmeant(self, given: Iterable[Argument]) -> None:
        """Refuse options of Invoke's that would be taken, and change nothing. Raises Refused."""
        for argument in given:
            if argument.got_value and argument.name not in (*_OURS, *_UNTOLD):
                hint = _INSTEAD.get(str(argument.name), "`<--help>` lists the options")
                raise Refused(f"there is no option --{argument.name}", _as_called(hint))

    def parse_core(self, argv: list[str] | None) -> None:
        """Read the options of all commands."""
        self.normalize_argv(argv)
        self.parse_core_args()
        self._refuse_unmeant(self.args.values())
        if self.args.version.value:
            self.print_version()
            raise Exit
        shell = self.args["print-completion-script"].value
        if shell:
            from fibench.commands.helping.completion import SHELLS, script
            from fibench.wording import escaped, suggestion

            if shell not in SHELLS:
                what = f"--print-completion-script {escaped(shell[:40])}: no such shell"
                raise Refused(what, suggestion(shell, SHELLS), WRONG_INPUT)
            print(script(shell, self.binary), end="")
            raise Exit

    def _complete(self) -> None:
        """Print what may stand in the place of the last word. Raises Exit."""
        from fibench.commands.helping.completion import candidates

        words = self.argv[self.argv.index("--") + 1 :] if "--" in self.argv else []
        tasks = self._make_parser().contexts
        for word in candidates(words, tasks, self._told_flags()):
            print(word)
        raise Exit

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
        if self.args.complete.value:
            self._complete()
        words = self.core.unparsed
        every = {**SECOND_WORDS, **LATER_WORDS}
        if words and words[0] in every:
            task, option = self._make_parser().contexts[words[0]], every[words[0]]
            self.core.unparsed = _with_option(words, task, option, words[0] in LATER_WORDS)
        super().parse_tasks()
        self._refuse_unmeant(self.core_via_tasks.args.values())

    def update_config(self, merge: bool = True) -> None:
        """Nothing of the command line is for Invoke's configuration, which is not read."""

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
            hint = f"`{help_of or self.binary + ' --help'}` shows how"
            if absent := _ABSENT.fullmatch(what):
                names, task = absent["names"].replace("'", "").upper(), absent["task"]
                what = f"{task} needs {names.replace(', ', ' and ')}, which is not given"
                hint = _as_called(_TO_CHOOSE.get(task, "")) or hint
                if task in _LISTED:
                    from fibench.commands.helping.experiments import experiments_listed

                    print(experiments_listed(), flush=True)
            return Refused(escaped(what), hint)
        word = str(ast.literal_eval(unknown["quoted"]))
        if asked and (twice := _given_twice(self.argv, asked)):
            return Refused(f"{twice} is given twice", "keep one of them")
        if word.startswith("-"):
            flags = list(asked.flags) if asked else self._told_flags()
            what = f"there is no option {escaped(word[:100])}"
            what += f" of {asked.name}" if asked and asked.name else ""
            near = did_you_mean(word, flags)
            hint = f"`{help_of or self.binary + ' --help'}` lists the options"
        else:
            what = f"there is no command {escaped(word[:100])}"
            near = did_you_mean(word, _names(self.collection))
            hint = f"`{self.binary} --list` lists the commands"
        return Refused(what, f"did you mean {near}? {hint}" if near else hint)


def _as_called(hint: str) -> str:
    """A hint with the commands in it as the person would type them."""
    return re.sub(r"<(.+?)>", lambda words: called.command(words[1]), hint)


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
