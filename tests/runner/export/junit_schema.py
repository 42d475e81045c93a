# SPDX-License-Identifier: BSD-3-Clause
"""What JUnit's XML must be for every reader: the stricter of both schemas in use, by hand.

That is windyroad/JUnit-Schema, of Ant's reports; junit-10, of Jenkins' xunit plugin, allows all
that it does.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

_WHOLE, _DECIMAL, _SOME, _ANY = r"\d+", r"\d+(\.\d+)?", r"(?s).*\S.*", r"(?s).*"


@dataclass(frozen=True)
class Rule:
    needed: Mapping[str, str] = field(default_factory=dict)
    """By its attributes: what each is like."""
    optional: Mapping[str, str] = field(default_factory=dict)
    children: str = ""
    """What the names of its children are like, each with a space behind it."""


_TOLD = {"message": _ANY}
RULES = {
    "testsuites": Rule(children=r"(testsuite )*"),
    "testsuite": Rule(
        {
            "name": _SOME, "package": _SOME, "id": _WHOLE, "hostname": _SOME,
            "timestamp": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", "tests": _WHOLE, "failures": _WHOLE,
            "errors": _WHOLE, "time": _DECIMAL,
        },
        {"skipped": _WHOLE},
        r"properties (testcase )*system-out system-err ",
    ),
    "properties": Rule(children=r"(property )*"),
    "property": Rule({"name": _SOME, "value": _ANY}),
    "testcase": Rule(
        {"name": _ANY, "classname": _SOME, "time": _DECIMAL},
        children=r"(skipped |error |failure )?",
    ),
    "skipped": Rule(optional=_TOLD),
    "error": Rule({"type": _ANY}, _TOLD),
    "failure": Rule({"type": _ANY}, _TOLD),
    "system-out": Rule(),
    "system-err": Rule(),
}  # fmt: skip


def faults_of(element: ET.Element) -> Iterator[str]:
    """Everything in which an element and those in it are not as the schema says."""
    rule = RULES.get(element.tag)
    if rule is None:
        yield f"unknown element {element.tag}"
        return
    known = {**rule.optional, **rule.needed}
    yield from (f"{element.tag} lacks {one}" for one in rule.needed if one not in element.attrib)
    for name, value in element.attrib.items():
        if name not in known or not re.fullmatch(known[name], value):
            yield f"{element.tag} has {name}={value!r}"
    below = "".join(f"{child.tag} " for child in element)
    if not re.fullmatch(rule.children, below):
        yield f"{element.tag} has {below!r} in it"
    for child in element:
        yield from faults_of(child)
