# SPDX-License-Identifier: BSD-3-Clause
"""How designs look, and what is said of claims in a sentence."""

import re

import pytest
from tests.here import known_backends
from tests.runner.page.conftest import Reviewed
from tests.runner.page.html_reading import read_page_text

from fibench.page.claims.sentences import sentence_of
from fibench.page.document import FRAME
from fibench.page.draw.palette import FAMILIES, FAMILY_NAMES, FILL, SHAPE_NAMES, TONE, look_of
from fibench.page.sections.again import run_again
from fibench.page.source import source_of
from fibench.page.view import View
from fibench.report.lines import load_words


def test_every_design_of_the_catalogue_has_a_colour() -> None:
    designs = {backend.design for backend in known_backends().values()}
    assert designs - FAMILIES.keys() == set()
    for name, backend in known_backends().items():
        look = look_of(name, backend.language)
        assert look.family != "own", name
        assert (look.shape == "c") is name.startswith("c-")


def test_a_server_of_ones_own_is_told_from_all_of_ours() -> None:
    look = look_of("py-mt", "own")
    assert (look.family, look.shape) == ("own", "own")


def test_the_style_sheet_has_the_same_colours() -> None:
    css = (FRAME / "page.css").read_text()
    light = dict(re.findall(r"--([a-z]+): (#[0-9a-f]+)", css.partition("@media")[0]))
    for family, fill in FILL.items():
        assert light[family] == fill
        assert re.search(rf"\.f-{family} \{{ fill: var\(--{family}\)", css)
        assert re.search(rf"\.s-{family} \{{ stroke: var\(--{family}\)", css)
    for tone, fill in TONE.items():
        assert light[tone] == fill
    assert FAMILY_NAMES.keys() == FILL.keys()
    frame = (FRAME / "parts.html").read_text()
    for shape in SHAPE_NAMES:
        assert f'id="m-{shape}"' in frame
        assert f'id="s-{shape}"' in frame


def plain(markup: str) -> str:
    return read_page_text(markup).text


@pytest.mark.parametrize(("claim", "said"), [
    (0, "py-mp served 1.86 times as many requests per second as py-mt: between 1.84 and 1.88."),
    (3, "py-mt kept 1.00 cores busy: between 1.00 and 1.00."),
    (4, "py-mt answered half of its requests within 199 ms: between 197 ms and 201 ms."),
    (5, "py-mt had 0 refused connections in each block, 0 in all."),
    (6, "py-async had 0 to 2 errors in each block, 2 in all."),
    (7, ""),
])  # fmt: skip
def test_what_came_out_is_said_in_a_sentence(claim: int, said: str, reviewed: Reviewed) -> None:
    assert plain(sentence_of(reviewed("outcomes").verdicts[claim])) == said


def test_the_load_is_said_in_a_few_words(reviewed: Reviewed) -> None:
    def words(kind: str) -> str:
        return load_words([one.cell for one in View(reviewed(kind)).cells])

    assert words("gil") == (
        "8 clients, closed loop, a connection for each request, fibonacci(27) to fibonacci(34)"
    )
    assert words("sweep").startswith("128 clients, open loop, 150 to 1,000 requests per second")
    assert "clients in groups: small 8, slow 2, open loop" in words("groups")


def test_the_command_makes_the_same_run_again(reviewed: Reviewed) -> None:
    assert run_again(View(reviewed("outcomes"))).command.endswith(" run made.toml --seed 7")


def test_claims_are_found_in_their_file() -> None:
    text = 'title = "x"\n# [[claim]]\n[[claim]]\nsays = "One"\n\n[[ claim ]] # two\nsays = "Two"\n'
    found = source_of(text)
    assert found.places == {("one", "One"): 3, ("two", "Two"): 6}
    assert [line.number for line in found.lines] == list(range(1, 8))
    assert ["".join(piece for _, piece in line.pieces) for line in found.lines] == (
        text.splitlines()
    )


@pytest.mark.parametrize("text", [
    'a = """\nlong # no comment\n"""\nb = 1', "x = 'it''s' # c", 'says = "a # b" # c', "[a] # b",
    "broken = \"", "", "\n\n",
])  # fmt: skip
def test_coloured_or_not_a_line_is_what_it_was(text: str) -> None:
    lines = source_of(text).lines
    again = "\n".join("".join(piece for _, piece in line.pieces) for line in lines)
    assert again == text.rstrip("\n")
