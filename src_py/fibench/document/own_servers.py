# SPDX-License-Identifier: BSD-3-Clause
"""The model of [backends.NAME]: a server of the user's own, how it is started, told, and ended."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from fibench.document.kinds import Checked, of_kind
from fibench.document.requests import PAYLOAD_SCHEMA, payload, table_of
from fibench.document.tables import LONGEST_LIST, Table
from fibench.parameters import FRAMING, Fault, Framing
from fibench.parameters.kinds import choice, duration, kind_of, true_or_false, whole
from fibench.quantities import format_duration
from fibench.requests.template import Payload
from fibench.wording import as_toml

START_TIMEOUT_S = 10.0
"""How long a server may take until it listens, if the file does not say."""
LONGEST_START_S = 3600.0
STOP_SIGNALS = ("SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGWINCH")
STOP_GRACE_S = 3.0
"""How long a server may take to end, if the file does not say."""
LONGEST_GRACE_S = 600.0
LARGEST_ENV_BYTES = 64 * 1024
_LONGEST_LINE = 500
_GRACE = duration(0.01, LONGEST_GRACE_S)
_SIGNAL = choice(*STOP_SIGNALS)


def _arguments(value: object, example: str) -> list[str]:
    """A program and its arguments. Raises Fault."""
    if isinstance(value, str):
        raise Fault(
            "must be a list of arguments, not one text; there is no shell", f"write {example}"
        )
    if not isinstance(value, list) or not value:
        raise Fault("must be a list of arguments", f"write {example}")
    if len(value) > LONGEST_LIST:
        raise Fault(f"has {len(value)} arguments; {LONGEST_LIST} are allowed")
    for word in value:
        if not isinstance(word, str):
            hint = f"write {example.removeprefix('command = ')}"
            raise Fault(f"must be a list of text, not of {kind_of(word)}", hint)
        if "\0" in word:
            raise Fault("contains a NUL character", "no program can be given one")
    if not value[0]:
        raise Fault("names no program: its first argument is empty")
    return value


def _command(value: object) -> object:
    example = '["./my_server", "{port}"]'
    words = _arguments(value, f"command = {example}")
    if "{port}" in words[0]:
        raise Fault("must begin with the program, not with {port}", f"write {example}")
    return words


def _build(value: object) -> object:
    return _arguments(value, 'build = ["go", "build", "-o", "server", "."]')


def _needs(value: object) -> object:
    return _arguments(value, 'needs = ["python3", "-c", "import gevent"]')


def _install(value: object) -> str:
    """A line for people to type. Raises Fault."""
    if not isinstance(value, str):
        raise Fault(f"must be text, not {kind_of(value)}", 'write install = "pip install gunicorn"')
    if not value.strip() or not value.isprintable():
        raise Fault("must be one line of text", 'write install = "pip install gunicorn"')
    if len(value) > _LONGEST_LINE:
        raise Fault(f"has {len(value)} characters; {_LONGEST_LINE} are allowed")
    return value


def _env_value(value: object) -> str:
    if not isinstance(value, str):
        text = as_toml(value)
        hint = f'write it as text: "{text}"' if isinstance(value, int | float) else ""
        raise Fault(f"must be text, not {kind_of(value)}", hint)
    if "\0" in value:
        raise Fault("contains a NUL character", "no program can be given one")
    if len(value.encode()) > LARGEST_ENV_BYTES:
        raise Fault(f"has {len(value.encode())} bytes; {LARGEST_ENV_BYTES} are allowed")
    return value


def _count(value: object, what: str, hint: str = "") -> object:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 1_000_000:
        return value
    if value in ("any", "workers"):
        return value
    raise Fault(f'must be "any", "workers" or {what}', hint)


def _serves(value: object) -> object:
    return _count(value, "the number of connections served at once")


def _cores(value: object) -> object:
    return _count(value, "the number of cores that it can keep busy", "write cores = 1")


def _ready(value: object) -> str | None:
    """The path that is asked for until it is answered; None: readiness is that it listens."""
    if value == "listens":
        return None
    given = table_of(value, ("get",), 'ready = { get = "/" }, or "listens"')
    path = given.get("get")
    if not isinstance(path, str):
        raise Fault("has no get", 'write ready = { get = "/" }, or "listens"')
    return path


class StopTable(Table):
    """How a server is asked to end."""

    signal: str = "SIGTERM"
    grace: float = STOP_GRACE_S


def _stop(value: object) -> StopTable:
    given = table_of(value, ("signal", "grace"), 'stop = { signal = "SIGQUIT", grace = "5s" }')
    found = StopTable()
    for name, kind in (("signal", _SIGNAL), ("grace", _GRACE)):
        if name in given:
            try:
                found = found.model_copy(update={name: kind.check(given[name])})
            except Fault as fault:
                raise Fault(f"has a {name} that {fault.what}", fault.hint) from fault
    return found


_COUNTED = {"anyOf": [{"enum": ["any", "workers"]}, {"type": "integer", "minimum": 1}]}
_READY = {
    "anyOf": [
        {"const": "listens"},
        {
            "type": "object",
            "properties": {"get": {"type": "string"}},
            "required": ["get"],
            "additionalProperties": False,
        },
    ]
}
_STOP = {
    "type": "object",
    "properties": {"signal": dict(_SIGNAL.schema), "grace": dict(_GRACE.schema)},
    "additionalProperties": False,
}


class BackendTable(Table):
    """A server of the user's own, in any language."""

    command: Annotated[
        list[str],
        Checked(_command),
        Field(
            description="The program and its arguments. Names in braces are replaced: {port}, "
            "{host}, {dir} (a folder of its own in each trial), {workers}, and any key or axis of "
            "the cell; a literal brace is doubled. Never a shell. A relative program with a slash "
            "is found from the folder of the experiment file, which is also where it runs; a bare "
            "name is looked up in your PATH, then where systems keep servers: /usr/local/sbin, "
            "/usr/sbin and /sbin. Plan and report say which Python it is, if it is one.",
            json_schema_extra={"minItems": 1},
        ),
    ]
    env: dict[str, Annotated[str, Checked(_env_value)]] = Field(
        default={},
        description="Variables of its environment beside the few that it inherits. Names in "
        "braces are replaced as in `command`.",
    )
    files: dict[str, Annotated[Payload, Checked(payload, PAYLOAD_SCHEMA)]] = Field(
        default={},
        description="Files that are written into {dir} anew for each trial, by their names there: "
        "text, in which known names in braces are replaced and every other brace stays, or "
        "`{ bytes = N }`. Kept, if small, where the trial failed.",
    )
    port: Annotated[int | None, of_kind(whole(1, 65535))] = Field(
        default=None,
        description="The port of a server that cannot be told one, which must be free when the run "
        "begins. Otherwise its command, env or files name {port}.",
    )
    framing: Annotated[Framing, of_kind(FRAMING)] = Field(
        default="message", description="The framing that it speaks, if it is asked for numbers."
    )
    serves: Annotated[int | Literal["any", "workers"], Checked(_serves, _COUNTED)] = Field(
        default="any", description="How many connections it serves at once."
    )
    cores: Annotated[int | Literal["any", "workers"] | None, Checked(_cores, _COUNTED)] = Field(
        default=None,
        description="How many cores it can keep busy: an event loop uses one. Left out, as many as "
        "it serves connections at once.",
    )
    ready_fd: Annotated[bool, Checked(true_or_false)] = Field(
        default=False,
        description="Whether it takes --ready-fd FD and writes its port there once it listens. "
        "Otherwise readiness is learnt by connecting.",
    )
    ready: Annotated[str | None, Checked(_ready, _READY)] = Field(
        default=None,
        description='When it is ready: "listens", once it takes connections; `{ get = "/" }`, once '
        "that is answered, too, with any status below 500.",
        json_schema_extra={"default": "listens"},
    )
    start_timeout: Annotated[float, of_kind(duration(0.1, LONGEST_START_S))] = Field(
        default=START_TIMEOUT_S,
        description="How long it may take until it is ready. A server that takes longer is ended, "
        "and its trial has failed.",
        json_schema_extra={"default": format_duration(START_TIMEOUT_S)},
    )
    stop: Annotated[StopTable, Checked(_stop, _STOP)] = Field(
        default=StopTable(),
        description="How it is asked to end, and how long it may take: "
        '`{ signal = "SIGQUIT", grace = "5s" }`. Default: SIGTERM, and 3 s.',
    )
    build: Annotated[
        list[str],
        Checked(_build),
        Field(
            default=(),
            description="A program and its arguments that make the server, run once before the "
            "run in the folder of the experiment file; its failure ends the run. Nothing in it is "
            "replaced.",
            json_schema_extra={"minItems": 1},
        ),
    ]
    needs: Annotated[
        list[str],
        Checked(_needs),
        Field(
            default=(),
            description="A program and its arguments that ends with status 0 where the server can "
            'run: needs = ["python3", "-c", "import gevent"]. `plan` and `run` run it once, in the '
            "folder of the experiment file and with those of the server's variables that need no "
            "cell, and leave the server out where it fails, or takes longer than 20 s. Nothing in "
            "it is replaced.",
            json_schema_extra={"minItems": 1},
        ),
    ]
    install: Annotated[str | None, Checked(_install)] = Field(
        default=None,
        description='The command that installs it, for a person to type: "pip install gunicorn". '
        "It is said where the server, or what it needs, is not here.",
    )
