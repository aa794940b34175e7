"""Names of metrics, columns and arms are text: in figures, in the names of their files, on the page, in tables."""

from __future__ import annotations

import csv
import io
import os
import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from analysis.hostile import ARMS, NAMES, runs
from analysis.test_report import Page
from evoplug.analysis import groups, plots
from evoplug.analysis.compare import compare
from evoplug.analysis.report import write
from evoplug.errors import printable

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if sys.platform == "darwin":
        pytest.skip("its file names are UTF-8")
    return runs(tmp_path_factory.mktemp("hostile") / "runs")


def words(text: str) -> str:
    return " ".join(text.split())


def test_a_figure_shows_every_arm_by_its_name(folder: Path) -> None:
    drawing, *_ = plots.draw(groups.read([folder]), ["best"]).figures
    tree = ElementTree.fromstring(plots.svg(drawing))
    shown = {words(element.text or "") for element in tree.iter(f"{SVG}text")}
    assert {words(f"{printable(arm)} (n = 2)") for arm in ARMS} <= shown


def test_files_of_figures_have_names_of_their_own_inside_the_folder(folder: Path, tmp_path: Path) -> None:
    drawings = plots.draw(groups.read([folder])).figures
    out = tmp_path / "deep" / "plots"
    paths = [path for drawing in drawings for path in plots.save(drawing, out, ["svg"])]
    assert len({path.name.lower() for path in paths}) == len(drawings) == len(NAMES) + 1
    assert all(path.parent == out and len(path.name) <= 80 and path.name.isprintable() for path in paths)
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == set(paths)
    for path in paths:
        ElementTree.parse(path)


def test_plain_names_stay_as_they_are() -> None:
    assert plots.file_name("validation.accuracy-by-generations") == "validation.accuracy-by-generations"
    assert plots.file_name("..") != plots.file_name(".") != plots.file_name("/")


def test_the_page_has_them_as_text(folder: Path) -> None:
    page = Page(write(folder)[0])
    assert "script" not in page.tags
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", page.source)
    assert len(page.ids) == len(set(page.ids))
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)
    for name in ("[/top5]", 'a"><script>alert(1)</script>', r"back\slash \g<1> \1", "{{ page }}", "$x_{"):
        assert name in page.text
    assert page.text.count("less is better") >= 2


def test_every_format_of_a_comparison_keeps_its_rows(folder: Path) -> None:
    compared = compare(groups.read([folder]), "test.a|b & c_d % #")
    pairs = len(ARMS) * (len(ARMS) - 1) // 2
    markdown = compared.markdown()
    lines = [line for line in markdown.splitlines() if line.startswith("|")]
    assert len(lines) == len(ARMS) + 2 + pairs + 2
    assert {len(re.split(r"(?<!\\)\|", line)) for line in lines} == {7, 11}
    assert not re.search(r"(?<!\\)[<$&]", markdown)
    rows = list(csv.reader(io.StringIO(compared.csv())))
    assert {row[1] for row in rows[1 : 1 + len(ARMS)]} == set(ARMS)
    latex = [line for line in compared.latex().splitlines() if not line.startswith("%")]
    cells = [line.removesuffix(r" \\").split(" & ") for line in latex if line.endswith(r"\\")]
    assert [len(row) for row in cells] == [5] * (len(ARMS) + 1) + [9] * (pairs + 1)
    assert not [cell for row in cells for cell in row if re.search(r"(?<!\\)[%#&_]", cell)]


def test_all_of_it_can_be_written_where_only_utf8_can(folder: Path) -> None:
    assert any(os.fsencode(arm) == b"caf\xe9" for arm in ARMS)
    write(folder)[0].read_text(encoding="utf-8")
