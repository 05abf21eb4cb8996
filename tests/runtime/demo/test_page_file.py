from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from headstart.runtime.demo.drawing import shorten, timeline
from headstart.runtime.demo.page_file import render_page, write_result
from headstart.runtime.demo.performance import Performance
from headstart.runtime.errors import ConfigError


class Outline(HTMLParser):
    """Every tag with its attributes, and whether all that was opened is closed."""

    VOID = frozenset({"meta", "img", "br"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attributes}))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attributes}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture
def page(performance: Performance) -> str:
    return render_page(performance, footer="made by <us>")


def test_the_page_is_well_formed(page: str) -> None:
    assert Outline(page).open == []


def test_the_page_asks_nobody_for_anything(page: str) -> None:
    outline = Outline(page)
    addresses = [
        attributes[name]
        for _, attributes in outline.tags
        for name in ("src", "href")
        if name in attributes
    ]

    assert addresses
    assert all(address.startswith("data:image/jpeg;base64,") for address in addresses)
    assert not {tag for tag, _ in outline.tags} & {"script", "link", "iframe", "form", "object"}
    assert "url(" not in page.replace("url(#round)", "")


def test_the_policy_allows_its_style_by_hash_and_nothing_inline(page: str) -> None:
    style = page[page.index("<style>") + 7 : page.index("</style>")]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()

    assert f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'" in page
    assert not any("style" in attributes for _, attributes in Outline(page).tags)
    assert not any(n.startswith("on") for _, attributes in Outline(page).tags for n in attributes)


def test_what_people_wrote_is_text_and_not_markup(page: str) -> None:
    assert "a &lt;blue&gt; mug" in page
    assert "made by &lt;us&gt;" in page
    assert "<blue>" not in page


def test_the_figures_are_on_the_page(page: str) -> None:
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page[page.index("<body>") :]))

    assert "3 of 3 answers right, 0.2 seconds of teaching" in text
    assert "2 of 2 enrolled things recognised 100%; asked: at least 95%" in text
    assert "1 of 1 never enrolled, answered with “unknown” 100%; asked: at least 90%" in text
    assert "then 3 ms to adapt to all" in text


def test_people_who_do_not_see_it_are_told_the_same(page: str) -> None:
    outline = Outline(page)

    assert dict(outline.tags)["html"] == {"lang": "en"}
    assert all("alt" in attributes for tag, attributes in outline.tags if tag == "img")
    assert all("scope" in attributes for tag, attributes in outline.tags if tag == "th")
    assert '<title id="timeline-title">What was shown and what was answered' in page


def test_gaps_are_left_out_of_the_table_where_nothing_was_said(page: str) -> None:
    rows = page[page.index("<tbody>") : page.index("</tbody>")].count("<tr ")

    assert rows == 3


def test_the_picture_is_svg_that_stands_alone(performance: Performance) -> None:
    drawing = ElementTree.fromstring(timeline(performance, style=".timeline text { fill: red }"))

    said = [e.text for e in drawing.iter("{http://www.w3.org/2000/svg}text")]
    assert {"mug", "bell", "unknown", "shown", "answered"} <= set(said)


def test_page_and_picture_are_written_into_a_new_folder(
    performance: Performance, tmp_path: Path
) -> None:
    written = write_result(performance, tmp_path / "a" / "b")

    assert written.page == tmp_path / "a" / "b" / "index.html"
    assert written.page.read_text(encoding="utf-8").startswith("<!doctype html>")
    ElementTree.parse(written.picture)


def test_a_folder_that_cannot_be_made_is_refused_in_words(
    performance: Performance, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("")

    with pytest.raises(ConfigError, match="cannot be written to .*taken.*--out"):
        write_result(performance, tmp_path / "taken")


@pytest.mark.parametrize(
    ("width", "short"), [(200.0, "a claw hammer"), (64.0, "a claw ha…"), (20.0, "")]
)
def test_names_are_shortened_to_the_room_there_is(width: float, short: str) -> None:
    assert shorten("a claw hammer", width) == short
