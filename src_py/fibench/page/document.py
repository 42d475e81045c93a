# SPDX-License-Identifier: BSD-3-Clause
"""The page as a whole: its sections, its policy, and the run that it carries."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2
from markupsafe import Markup, escape

import fibench
from fibench import called
from fibench.page.claims.cards import cards
from fibench.page.claims.sentences import sentence_from
from fibench.page.draw.palette import FAMILY_NAMES, FILL, SHAPE_NAMES
from fibench.page.sections.again import run_again
from fibench.page.sections.cores import cores
from fibench.page.sections.designs import panes
from fibench.page.sections.figures import all_figures
from fibench.page.sections.head import head
from fibench.page.sections.latency import latency
from fibench.page.sections.timelines import waits
from fibench.page.sections.trust import trust
from fibench.page.view import View
from fibench.report.claims.expected import expectations_of
from fibench.report.numbers import percent
from fibench.store.carrying.pages import carried_run
from fibench.verdict import CONFIDENCE

if TYPE_CHECKING:
    from fibench.verdict import Review

FRAME = Path(__file__).parent / "frame"
ICONS: Mapping[str, str] = {
    "CONFIRMED": "ok",
    "REFUTED": "no",
    "INCONCLUSIVE": "maybe",
    "NOT HERE": "off",
    "INVALID": "bad",
    "NOT DECIDED": "off",
    "NOT JUDGED": "off",
}
_OPTION = re.compile(r"`([^`]+)`|(--[a-z][a-z-]*(?: [0-9.]+)?)")
_COMMENTS = re.compile(r"/\*.*?\*/", re.DOTALL)


def page_of(review: Review) -> str:
    """The page of a run. Raises StoredError for files of the run that it cannot carry."""
    view = View(review)
    made = cards(view)
    carried = carried_run(review.run)
    parts: dict[str, object] = {
        "head": head(view, made),
        "cards": made,
        "waits": waits(view),
        "panes": panes(view),
        "cores": cores(view),
        "latency": latency(view),
        "trust": trust(view),
        "figures": all_figures(view),
        "again": run_again(view),
        "carried": carried,
    }
    css, js = style(), script()
    return templates().get_template("page.html").render(
        **parts,
        css=Markup(css),
        js=Markup(js),
        policy=Markup(policy(css, js)),
        sections=list(_sections(parts)),
        icons=ICONS,
        fills=FILL,
        families=_families(view),
        shapes=_shapes(view),
        confidence=percent(CONFIDENCE),
        expected=[sentence_from(line) for line in expectations_of(review).summary()],
        claims_note=_claims_note(view),
        interrupted=review.interrupted,
        not_drawn=len(view.cells) - len(view.drawn),
        version=fibench.__version__,
        file=carried.name.removesuffix(".tar.gz"),
        read_back=called.command("report report.html"),
    )  # fmt: skip


@cache
def style() -> str:
    """The style sheet as the page has it."""
    return styles("page.css")


def styles(*names: str) -> str:
    """Several style sheets as one, without their comments."""
    texts = ((FRAME / name).read_text(encoding="utf-8") for name in names)
    return _squeezed(_COMMENTS.sub("", "\n".join(texts)))


@cache
def script() -> str:
    """The script as the page has it: at most 4 kB."""
    return scripts("page.js")


def scripts(name: str) -> str:
    """What all pages do, and what one of them does beside, as one script."""
    texts = [(FRAME / one).read_text(encoding="utf-8") for one in ("common.js", name)]
    lines = [line for line in "\n".join(texts).splitlines() if not line.lstrip().startswith("//")]
    return _squeezed("\n".join(["(() => {", *lines, "})();"]))


def _squeezed(text: str) -> str:
    """Without indents and empty lines."""
    return "\n".join(filter(None, (line.strip() for line in text.splitlines())))


def policy(css: str, js: str) -> str:
    """Nothing but this one style sheet and this one script, and no request at all."""
    return (
        f"default-src 'none'; style-src {_hash(css)}; script-src {_hash(js)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def templates() -> jinja2.Environment:
    """What makes pages of the frame: it escapes whatever is filled in."""
    found = jinja2.Environment(
        autoescape=True,
        loader=jinja2.FileSystemLoader(FRAME),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["commands"] = _commands
    return found


def _commands(text: str) -> Markup:
    """Words with the commands and options in them set as code, which no line ends within."""
    whole, end = Markup(""), 0
    for found in _OPTION.finditer(text):
        code = Markup('<code class="nb">{}</code>').format(found[1] or found[2])
        whole += escape(text[end : found.start()]) + code
        end = found.end()
    return whole + escape(text[end:])


def _sections(parts: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Those that there are, by anchor and name, in the order of the page."""
    yield "verdicts", "Verdicts"
    for part, anchor, name in (
        ("waits", "threads", "Who waits"),
        ("panes", "designs", "Designs"),
        ("cores", "cores", "Cores"),
        ("latency", "latency", "Latency"),
    ):
        if parts[part]:
            yield anchor, name
    yield "trust", "Can I trust it?"
    yield "figures", "All figures"
    yield "again", "Run it again"


def _families(view: View) -> list[tuple[str, str]]:
    found = {one.look.family: None for one in view.cells}
    return [(family, FAMILY_NAMES[family]) for family in found]


def _shapes(view: View) -> list[tuple[str, str]]:
    found = {one.look.shape: None for one in view.cells}
    return [(shape, SHAPE_NAMES[shape]) for shape in found]


def _claims_note(view: View) -> str:
    """What a reader must know of the claims, before them."""
    if view.review.added_afterwards:
        begins = "These claims were added afterwards, and not written down before the run."
    else:
        begins = "Each claim was written down before the run."
    rule = "It is confirmed only if the whole bar clears the black line, into the green."
    return f"{begins} {rule}"
