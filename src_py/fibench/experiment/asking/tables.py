# SPDX-License-Identifier: BSD-3-Clause
"""From [requests.NAME] and [[prepare]] as the file has them to requests, or what is wrong there."""

from __future__ import annotations

from collections.abc import Collection

from fibench.document import NAME, NAME_RULE, ExperimentFile, Source
from fibench.document.axes import axes_of
from fibench.document.locate import Path
from fibench.document.requests import PrepareTable, RequestTable
from fibench.experiment.asking.rendered import Preparation, Requests
from fibench.parameters import KEYS
from fibench.requests import LARGEST_ASKS_BYTES, Expected, Opening, Template, WireRequest
from fibench.wording import as_toml, listed_with, suggestion

_LOADS = ("matrix", "load")
"""Where it is said what clients ask for; elsewhere cells are selected."""
_HOW = 'write get = "/", or send = "PING\\r\\n" and expect = "+PONG\\r\\n"'


def requests_of(file: ExperimentFile, own: Collection[str], source: Source) -> Requests:
    """What the file's clients may ask for; what is wrong with it is reported.

    `own` are the names of all servers that the file brings.
    """
    templates: dict[str, Template] = {}
    for name, table in file.requests.items():
        path: Path = ("requests", name)
        if NAME.fullmatch(name) is None:
            what = f"request {as_toml(name)} is not allowed as a name"
            source.report(path, what, f"allowed: {NAME_RULE}", key=True)
            continue
        template = _template(name, table, path, source)
        if template is not None:
            templates[name] = template
    prepares = [
        Preparation(template, _for(table, index, own, source))
        for index, table in enumerate(file.prepare)
        if (template := _template(f"prepare-{index + 1}", table, ("prepare", index), source))
    ]
    varied = {name for table in file.matrix for name in table.given() if name in KEYS}
    return Requests(templates, prepares, axes_of(file), frozenset(varied))


def _for(table: PrepareTable, index: int, own: Collection[str], source: Source) -> Collection[str]:
    """The servers that a preparation is for."""
    names = table.backends()
    for place, name in enumerate(names):
        if name not in own:
            what = f"there is no server {as_toml(name)} of your own to prepare"
            source.report(("prepare", index, "for", place), what, suggestion(name, own))
    return names or own


def _template(
    name: str, table: RequestTable | PrepareTable, path: Path, source: Source
) -> Template | None:
    """A request as the file has it; None, if it is none, which is reported."""
    how = table.how()
    if len(how) != 1:
        what = f"{listed_with('and', how)} are both given" if how else "nothing is asked for"
        at = (*path, how[1]) if how else path
        source.report(at, what, "keep one of them" if how else _HOW, key=True)
        return None
    method = how[0] if how[0] != "send" else ""
    if not _fits(table, how[0], path, source):
        return None
    expect = table.expect
    if expect is None:
        expect = Expected(given=not isinstance(table, RequestTable))
    opens = table.opening if isinstance(table, RequestTable) else ()
    return Template(
        name=name,
        path=path,
        method=method,
        target=str(getattr(table, method)) if method else "",
        headers=tuple(table.headers.items()),
        body=table.body,
        send=table.send,
        expect=expect,
        close=isinstance(table, RequestTable) and table.close,
        opening=tuple(opens),
    )


def _fits(table: RequestTable | PrepareTable, how: str, path: Path, source: Source) -> bool:
    """Whether the keys of a request go together; what does not is reported."""
    if how != "send":
        return True
    sound = True
    for key in ("headers", "body"):
        if table.has(key):
            what = f"{key} is given beside send, which has every byte itself"
            source.report((*path, key), what, f"remove {key}, or use post", key=True)
            sound = False
    if table.expect is None:
        hint = 'write expect = "+PONG\\r\\n", { bytes = 64 }, or "same"'
        what = "expect is missing: nothing says where the reply to send ends"
        source.report(path, what, hint, key=True)
        sound = False
    elif table.expect.status is not None:
        what = "expect has a status, which only replies of HTTP have"
        source.report((*path, "expect"), what, 'use get = "/…" instead of send')
        sound = False
    return sound


def report_unknown_requests(
    file: ExperimentFile, claims: Collection[int], faulty: Collection[str], source: Source
) -> set[str]:
    """Report requests that the file does not have; return their names. `faulty` ones it has."""
    used: list[tuple[Path, object]] = [
        (("matrix", index, "request", place), name)
        for index, table in enumerate(file.matrix)
        for place, name in enumerate(table.given().get("request", ()))
    ]
    used.append((("load", "request"), file.load.given().get("request")))
    for index, group in enumerate(file.load.group):
        used.append((("load", "group", index, "request"), group.given().get("request")))
    for index, side in enumerate(file.exclude):
        used.append((("exclude", index, "request"), side.given().get("request")))
    for index, claim in zip(claims, file.claim, strict=True):
        for path, side in claim.selectors():
            used.append((("claim", index, *path, "request"), side.given().get("request")))
    known = {*file.requests, *faulty}
    unknown = set()
    for where, name in used:
        if name is not None and name not in known:
            unknown.add(str(name))
            hint = suggestion(str(name), sorted(known)) or f"write [requests.{name}]"
            source.report(where, f"unknown request {as_toml(name)}", hint)
    if file.requests and all(name is None for where, name in used if where[0] in _LOADS):
        first = next(iter(file.requests))
        what = "no cell asks for any of the file's requests"
        hint = f'add request = "{first}" to [[matrix]], [load], or a client group'
        source.report(("requests", first), what, hint, key=True)
    return unknown


def too_large(asks: Collection[WireRequest]) -> int | None:
    """How many bytes the requests of a cell have together, if these are more than fibload takes."""
    size = sum(
        len(one.send) + len(one.expect.text) + sum(_size(opening) for opening in one.openings)
        for one in asks
    )
    return size if size > LARGEST_ASKS_BYTES - 4096 * (len(asks) + 1) else None


def _size(opening: Opening) -> int:
    return len(opening.send or b"") + len(opening.expect.text if opening.expect else b"")
