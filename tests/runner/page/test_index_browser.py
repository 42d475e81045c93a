# SPDX-License-Identifier: BSD-3-Clause
"""The index over runs in a real browser, opened from the disk."""

import base64
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from tests.here import leave_out
from tests.runner.page.chromium import (
    Browser,
    Look,
    check_it_is_alone_and_fits,
    opened,
)
from tests.runner.page.class_runs import (
    every_run,
    history,
    hostile_class,
    many_runs,
    spoilt_class,
)

from fibench.page import index_of

pytestmark = pytest.mark.needs("chromium")
LOOKS = {
    "light": Look(),
    "dark": Look(scheme="dark"),
    "phone": Look(width=390),
    "paper": Look(media="print"),
}
CLASSES: Mapping[str, Callable[[Path], None]] = {
    "spoilt": spoilt_class,
    "hostile": hostile_class,
    "history": history,
    "large": lambda root: None,
}
AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SHOWN = "[...document.querySelectorAll('tr[data-r]')].filter(e => e.checkVisibility())"


@pytest.fixture(scope="module")
def indexes(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The index of a class, each made once."""
    made: dict[str, Path] = {}

    def make(name: str) -> Path:
        if name not in made:
            root = tmp_path_factory.mktemp(name) / "class"
            CLASSES[name](root)
            found = many_runs(root, 400) if name == "large" else every_run(root)
            made[name] = root / "runs.html"
            made[name].write_text(index_of(found, root))
        return made[name]

    return make


@pytest.mark.parametrize("name", CLASSES)
def test_it_asks_for_nothing_complains_of_nothing_and_fits(
    name: str, shown: Browser, indexes: Callable[[str], Path]
) -> None:
    page = indexes(name)
    with opened(shown, page, Look()) as tab:
        check_it_is_alone_and_fits(tab, page, LOOKS)


@pytest.mark.parametrize("look", LOOKS)
def test_it_is_the_same_to_who_looks_so_from_the_first(
    look: str, shown: Browser, indexes: Callable[[str], Path]
) -> None:
    page = indexes("spoilt")
    with opened(shown, page, LOOKS[look]) as tab:
        check_it_is_alone_and_fits(tab, page, {look: LOOKS[look]})


@pytest.mark.parametrize("name", ["spoilt", "hostile", "large"])
def test_a_run_is_one_line_high_whatever_it_is_called(
    name: str, shown: Browser, indexes: Callable[[str], Path]
) -> None:
    heights = "[...document.querySelectorAll('tr[data-r]')].map(e => e.offsetHeight)"
    with opened(shown, indexes(name), Look()) as tab:
        for look in ("light", "phone"):
            tab.look(LOOKS[look])
            assert max(tab.evaluate(heights)) < 40, look


def test_what_is_typed_narrows_the_table_the_pictures_and_the_tallies(
    shown: Browser, indexes: Callable[[str], Path]
) -> None:
    dots = "document.querySelectorAll('.one')[1].querySelectorAll('.runsfig .dot:not(.out)').length"
    tally = (
        "[...document.querySelector('.one .tally').querySelectorAll('b')].map(b => +b.textContent)"
    )
    with opened(shown, indexes("spoilt"), Look()) as tab:
        whole = tab.evaluate(f"{SHOWN}.length")
        assert sum(tab.evaluate(tally)) == whole - 2, "two have it otherwise"
        tab.evaluate("document.getElementById('f-text').focus()")
        tab.call("Input.insertText", text="Bob")
        assert tab.evaluate(f"{SHOWN}.map(e => e.dataset.n.slice(0, 3))") == ["bob"]
        assert tab.evaluate(dots) == 1
        assert sum(tab.evaluate(tally)) == 1
        said = tab.evaluate("document.getElementById('count').textContent")
        assert said == f"1 of {whole + 2} runs"
        tab.press("Tab")
        for _ in range(12):
            if tab.evaluate("document.activeElement.id") == "all":
                break
            tab.press("Tab")
        tab.press("Enter")
        assert tab.evaluate(f"{SHOWN}.length") == whole
        assert tab.evaluate("document.activeElement.id") == "f-text"
        assert tab.evaluate("document.getElementById('count').textContent") == ""


CHOOSE = """
(() => {{
const e = document.getElementById('{id}');
if ('{value}' == 'checked') e.checked = true; else e.value = '{value}';
e.dispatchEvent(new Event('input', {{bubbles: true}}));
return {shown}.map(e => [e.dataset.m, e.dataset.t.slice(0, 10), !!e.querySelector('.mark')]);
}})()
"""


@pytest.mark.parametrize(
    ("id_", "value", "fits"),
    [
        ("f-machine", "Model 7, 2 cores", lambda m, t, w: m == "Model 7, 2 cores"),
        ("f-since", "2026-11-22", lambda m, t, w: t >= "2026-11-22"),
        ("f-until", "2026-11-22", lambda m, t, w: t <= "2026-11-22"),
        ("f-wrong", "checked", lambda m, t, w: w),
    ],
)
def test_machine_date_and_what_is_wrong_narrow_it(
    id_: str,
    value: str,
    fits: Callable[[str, str, bool], bool],
    shown: Browser,
    indexes: Callable[[str], Path],
) -> None:
    every = "[...document.querySelectorAll('tr[data-r]')]"
    with opened(shown, indexes("spoilt"), Look()) as tab:
        rows = tab.evaluate(CHOOSE.format(id="f-text", value="", shown=every))
        left = tab.evaluate(CHOOSE.format(id=id_, value=value, shown=SHOWN))
    wanted = [row for row in rows if fits(*row)]
    assert left == wanted
    assert 0 < len(wanted) < len(rows)


def test_a_run_is_lit_everywhere_when_its_line_has_the_focus(
    shown: Browser, indexes: Callable[[str], Path]
) -> None:
    with opened(shown, indexes("spoilt"), Look()) as tab:
        lit = tab.evaluate(
            "(() => { const a = document.querySelector('tr[data-r] a'); a.focus();"
            "const r = a.closest('tr').dataset.r;"
            "const lit = [...document.querySelectorAll('.lit')];"
            "return lit.map(e => [e.localName, e.dataset.r == r])"
            "})()"
        )
    assert {name for name, _ in lit} >= {"tr", "use"}
    assert all(same for _, same in lit)


def test_400_runs_answer_at_once(shown: Browser, indexes: Callable[[str], Path]) -> None:
    """Every line is there, and what is typed leaves those of one student."""
    with opened(shown, indexes("large"), Look()) as tab:
        assert tab.evaluate(f"{SHOWN}.length") == 400
        tab.evaluate("document.getElementById('f-text').focus()")
        tab.call("Input.insertText", text="student-123")
        assert tab.evaluate(f"{SHOWN}.length") == 1


@pytest.mark.parametrize("name", ["spoilt", "history"])
def test_without_scripts_all_is_shown(
    name: str, shown: Browser, indexes: Callable[[str], Path]
) -> None:
    with opened(shown, indexes(name), Look(scripts=False)) as tab:
        assert tab.evaluate(f"{SHOWN}.length === document.querySelectorAll('tr[data-r]').length")
        idle = (
            "[...document.querySelectorAll('button,input,select')].filter(b => b.checkVisibility())"
        )
        assert tab.evaluate(f"{idle}.length") == 0, "nothing is there that would do nothing"


def test_without_styles_it_reads(shown: Browser, indexes: Callable[[str], Path]) -> None:
    with opened(shown, indexes("spoilt"), Look()) as tab:
        tab.evaluate("document.querySelector('style').remove()")
        words = tab.evaluate("document.body.innerText")
        for outcome in ("confirmed", "What is wrong with runs", "What cannot be read"):
            assert outcome in words
        fills = tab.evaluate(
            "[...document.querySelectorAll('svg.runsfig use.dot')]"
            ".map(one => getComputedStyle(one).stroke)"
        )
        assert len(set(fills)) > 1


def test_on_paper_every_run_is_there(shown: Browser, indexes: Callable[[str], Path]) -> None:
    with opened(shown, indexes("spoilt"), Look(media="print")) as tab:
        assert not tab.evaluate("document.getElementById('filter').checkVisibility()")
        pdf = base64.b64decode(tab.call("Page.printToPDF", printBackground=True)["data"])
    assert pdf.startswith(b"%PDF-")


@pytest.mark.parametrize("look", ["light", "dark", "phone"])
@pytest.mark.parametrize("name", ["spoilt", "history"])
def test_axe_finds_nothing(
    name: str, look: str, shown: Browser, indexes: Callable[[str], Path]
) -> None:
    """WCAG 2.2 AA, as far as axe-core can tell; that it looks is seen by a page that is wrong."""
    named = os.environ.get("FIBENCH_AXE")
    if not named:
        leave_out("axe-core is not here: FIBENCH_AXE does not name its axe.min.js")
    code = Path(named).read_text()
    run = f"axe.run({{runOnly: {json.dumps(AXE_RULES)}}})"
    ids = f"{run}.then(found => found.violations.map(one => one.id + ': ' + one.help))"
    with opened(shown, indexes(name), LOOKS[look]) as tab:
        tab.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        tab.evaluate(f"{code}; 0")
        assert tab.evaluate(ids) == []
        tab.evaluate("document.querySelector('h1').remove(), document.title = ''")
        assert tab.evaluate(ids) != []
