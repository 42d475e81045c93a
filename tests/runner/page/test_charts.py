# SPDX-License-Identifier: BSD-3-Clause
"""Charts as files: what is in the page is in them, at places and in colours of their own."""

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from xml.etree import ElementTree

import pytest
from tests.runner.page.conftest import ReadPages, Reviewed
from tests.runner.page.kinds import KINDS
from tests.runner.page.png_reading import read_png
from tests.runner.page.svg_reading import Element

from fibench.export import ExportError
from fibench.page import Chart, charts_of, png
from fibench.page.charts.plain import TEXT, Place, placed
from fibench.page.charts.sheet import WIDTH
from fibench.page.document import FRAME
from fibench.page.draw import svg
from fibench.page.draw.palette import TONE
from fibench.verdict import Review

NAME = "{http://www.w3.org/2000/svg}"
SHAPES = {"g", "line", "rect", "circle", "path", "polyline", "polygon", "text", "title", "desc",
          "svg"}  # fmt: skip


def read_chart(text: str) -> Element:
    """A chart, which must be well-formed, with plain names of its elements."""
    root = ElementTree.fromstring(text)
    for element in root.iter():
        assert element.tag.startswith(NAME)
        element.tag = element.tag.removeprefix(NAME)
    return root


def charts_by_name(run: Review) -> dict[str, Chart]:
    return {chart.name: chart for chart in charts_of(run)}


Drawn = Callable[[str], Sequence[tuple[Chart, str, Element]]]


@pytest.fixture(scope="module")
def drawn(reviewed: Reviewed) -> Drawn:
    """The charts of a kind, with their texts and what these are read back as; each drawn once."""

    @cache
    def draw(kind: str) -> Sequence[tuple[Chart, str, Element]]:
        texts = [(chart, chart.svg()) for chart in charts_of(reviewed(kind))]
        return [(chart, text, read_chart(text)) for chart, text in texts]

    return draw


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_needs_nothing_beside_it(kind: str, drawn: Drawn) -> None:
    """No style sheet, no class, nothing that is defined elsewhere, and no place in per cent."""
    found = drawn(kind)
    assert len(found) > 5
    assert len({chart.name for chart, _, _ in found}) == len(found)
    for chart, text, root in found:
        assert re.fullmatch(r"[a-z0-9_-]+", chart.name), "a name of a file, whatever a claim's is"
        assert "var(" not in text
        assert "currentColor" not in text
        assert root.get("viewBox") == f"0 0 {root.get('width')} {root.get('height')}"
        assert root.find("title") is not None
        for element in root.iter():
            assert element.tag in SHAPES
            assert not {"class", "style", "id", "href"} & element.attrib.keys()
            assert [said for said in element.attrib.values() if said.endswith("%")] == []


@pytest.mark.parametrize("kind", KINDS)
def test_everything_lies_on_the_sheet(kind: str, drawn: Drawn) -> None:
    for chart, _, root in drawn(kind):
        width, height = float(root.get("width", 0)), float(root.get("height", 0))
        for across, down in _places(root):
            assert -10.0 <= across <= width, chart.name
            assert -10.0 <= down <= height, chart.name


def _places(root: Element) -> Iterator[tuple[float, float]]:
    for element in root.iter():
        for across, down in (("x", "y"), ("x1", "y1"), ("x2", "y2"), ("cx", "cy")):
            if across in element.attrib:
                yield float(element.attrib[across]), float(element.attrib[down])
        moved = re.fullmatch(r"translate\((\S+) (\S+)\)", element.get("transform", ""))
        if moved is not None:
            yield float(moved[1]), float(moved[2])
        for pair in element.get("points", "").split():
            yield float(pair.partition(",")[0]), float(pair.partition(",")[2])


@pytest.mark.parametrize("kind", KINDS)
def test_a_claim_has_the_marks_of_its_card(kind: str, drawn: Drawn, read_pages: ReadPages) -> None:
    pictures = {
        card.attributes["id"]: card.every("svg", "claimfig")[0]
        for card in read_pages(kind).every("article", "claim")
        if card.every("svg", "claimfig")
    }
    charts = [(chart, root) for chart, _, root in drawn(kind) if chart.name.startswith("claim-")]
    assert len(charts) == len(pictures)
    for (chart, root), picture in zip(charts, pictures.values(), strict=True):
        for tag in ("circle", "polyline", "polygon"):
            assert len(list(root.iter(tag))) == len(picture.every(tag)), (chart.name, tag)
        said = Counter(node.text.replace("\N{NARROW NO-BREAK SPACE}", "\N{NO-BREAK SPACE}")
                       for node in picture.every("text"))  # fmt: skip
        assert said <= Counter(node.text for node in root.iter("text"))


def test_places_in_per_cent_are_pixels_of_the_width() -> None:
    drawing = svg.canvas(
        40.0, svg.line(10.0, 90.0, 5.0, 5.0, stroke="#000000"), svg.circle(50.0, 7.0, 2.0, "a dot"),
        svg.stretched(20.0, 50.0, 30.0, svg.element("polyline", points="0,0 500,500 1000,1000")),
        svg.use("m-c", 25.0, 20.0, "a mark", fill="#2a59a3"),
    )  # fmt: skip
    line, dot, curve, mark = placed(drawing, Place(100.0, 10.0, 400.0), {})
    assert (line.get("x1"), line.get("x2"), line.get("y1")) == ("140", "460", "15")
    assert (dot.get("cx"), dot.get("cy"), dot.get("r")) == ("300", "17", "2")
    assert curve.get("points") == "180,10 280,25 380,40"
    assert mark.get("transform") == "translate(200 30)"
    assert [child.tag for child in mark] == ["title", "path"]


def test_lines_that_rows_share_are_drawn_in_each() -> None:
    defined: dict[str, Element] = {}
    first = svg.canvas(10.0, svg.grid([50.0], 10.0, "g-one", is_first=True))
    second = svg.canvas(10.0, svg.grid([50.0], 10.0, "g-one", is_first=False))
    (group,) = placed(first, Place(0.0, 0.0, 100.0), defined)
    assert [line.get("x1") for line in group] == ["50"]
    (line,) = placed(second, Place(20.0, 30.0, 100.0), defined)
    assert (line.get("x1"), line.get("y2")) == ("70", "40")


def test_a_bar_is_as_long_as_on_the_page(reviewed: Reviewed, read_pages: ReadPages) -> None:
    run = reviewed("outcomes")
    card = read_pages("outcomes").every("article", "claim")[0]
    (bar,) = (node for node in card.every("rect") if "bar" in node.attributes.get("class", ""))
    begins, width = (float(bar.attributes[name].removesuffix("%")) for name in ("x", "width"))
    (chart,) = (one for one in charts_of(run) if one.title == "Processes beat threads")
    found = [one for one in read_chart(chart.svg()).iter("rect") if one.get("fill") == TONE["ok"]]
    assert len(found) == 1
    assert float(found[0].get("x", 0)) == pytest.approx(begins / 100.0 * WIDTH, abs=0.02)
    assert float(found[0].get("width", 0)) == pytest.approx(width / 100.0 * WIDTH, abs=0.02)


def test_a_table_has_its_names_and_figures(reviewed: Reviewed, read_pages: ReadPages) -> None:
    run = reviewed("outcomes")
    root = read_chart(charts_by_name(run)["throughput"].svg())
    said = [node.text for node in root.iter("text")]
    page = read_pages("outcomes")
    (pane,) = (node for node in page.every("div", "pane") if "Throughput" in node.text)
    for row in (node for node in pane.every("tr") if "data-cell" in node.attributes):
        assert [bdi.text in said for bdi in row.every("bdi")] == [True]
        assert [node.text in said for node in row.every("td", "num")] == [True, True]


def test_words_look_as_the_style_sheet_has_them() -> None:
    css = (FRAME / "page.css").read_text()
    muted = re.search(r"--muted: (#[0-9a-f]+)", css)
    assert muted is not None
    assert TEXT[""] == {"fill": muted[1], "font-size": "12"}
    assert "svg text { font-family: var(--sans); fill: var(--muted); font-size: 12px; }" in css
    for class_, style in TEXT.items():
        found = re.search(rf"svg \.{class_ or 'none'} {{([^}}]*)}}", css)
        for name in ("font-size", "font-weight"):
            if class_ and name in style:
                assert found is not None
                assert re.search(rf"{name}: {style[name]}(px)?;", found[1])


def test_what_is_wrong_with_a_run_stands_on_its_charts(reviewed: Reviewed) -> None:
    chart = charts_by_name(reviewed("outcomes"))["throughput"]
    marked = Chart(chart.name, chart.title, chart.run, ["12 of 64 trials are missing"], chart.draw)
    said = [node.text for node in read_chart(marked.svg()).iter("text")]
    assert "Warning: 12 of 64 trials are missing" in said


@pytest.mark.needs("a font")
@pytest.mark.parametrize("name", ["claim-processes-beat-threads", "generator"])
def test_a_picture_has_the_pixels_of_the_drawing(name: str, reviewed: Reviewed) -> None:
    """Twice as many each way; the colours that fill an area are in it."""
    text = charts_by_name(reviewed("outcomes"))[name].svg()
    root, found = read_chart(text), read_png(png(text))
    for seen, side in ((found.width, "width"), (found.height, "height")):
        assert abs(seen - 2.0 * float(root.get(side, 0))) <= 1.0
    filled = {one.get("fill", "") for one in root.iter("rect")}
    assert len(filled) > 2
    for colour in filled:
        wanted = tuple(bytes.fromhex(colour.removeprefix("#")))
        assert any(one[:3] == wanted for one in found.colours), colour


def test_without_the_package_it_is_said_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(ExportError, match="resvg-py package, which is not") as caught:
        png("<svg/>")
    assert "pip install" in caught.value.hint
