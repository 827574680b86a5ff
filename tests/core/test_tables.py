"""Tables in and out: what is read, what is refused before it is unpacked, what is neutralised."""

import io
import struct
import zipfile
from contextlib import suppress
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from api.core import tables
from api.core.tables import UnreadableFile

SHEET = "xl/worksheets/sheet1.xml"
FIRST = '<row r="1"><c r="A1"><v>1</v></c></row>'


def an_xlsx(cells: dict[tuple[int, int], Any]) -> bytes:
    """A workbook of one sheet; cells by (row, column) from 0."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as workbook:
        sheet = workbook.add_worksheet()
        for (row, column), value in cells.items():
            sheet.write(row, column, value)
    return buffer.getvalue()


def with_member(content: bytes, name: str, text: bytes) -> bytes:
    """The archive with one member written anew (or added)."""
    changed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as source,
        zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for member in source.namelist():
            if member != name:
                target.writestr(member, source.read(member))
        target.writestr(name, text)
    return changed.getvalue()


def a_sheet(rows: str) -> bytes:
    """A workbook whose sheet holds these row elements."""
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    xml = f'<worksheet xmlns="{space}"><sheetData>{rows}</sheetData></worksheet>'
    return with_member(an_xlsx({(0, 0): "x"}), SHEET, xml.encode())


def test_cells_become_text_as_the_sheet_shows_them() -> None:
    content = an_xlsx({(0, 0): 120.0, (0, 1): 1.5, (0, 2): True, (0, 3): " 007 "})
    assert list(tables.open_table(content)) == [(1, ["120", "1.5", "TRUE", "007"])]


def test_rows_are_numbered_as_in_the_sheet() -> None:
    rows = list(tables.open_table(an_xlsx({(3, 0): "x", (4, 0): "y"})))
    assert rows[3:] == [(4, ["x"]), (5, ["y"])]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_csv_of_every_delimiter_and_encoding(delimiter: str, encoding: str) -> None:
    content = (
        delimiter.join(["工号", "姓名", "部门"]) + "\r\n" + delimiter.join(["007", "李雷", "一部"])
    )
    rows = list(tables.open_table(content.encode(encoding)))
    assert rows == [(1, ["工号", "姓名", "部门"]), (2, ["007", "李雷", "一部"])]


def test_csv_with_a_title_above_the_header() -> None:
    rows = list(tables.open_table("花名册\n工号;姓名\n007;李雷\n".encode()))
    assert rows[2] == (3, ["007", "李雷"])


def test_a_csv_record_of_several_lines_counts_as_one_row() -> None:
    rows = list(tables.open_table(b'a,b\n"x\ny",1\nz,2\n'))
    assert [number for number, _cells in rows] == [1, 2, 3]


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        (["选项 A", "题干*"], 1),
        (["x", "Question："], 1),
        (["Ｓｔｅｍ"], 0),
    ],
)
def test_header_synonyms(cells: list[str], column: int) -> None:
    found = tables.find_header(iter([(1, cells)]), {"stem": ("题干", "question")}, ["stem"])
    assert found == (1, {"stem": column}, cells)


def test_the_header_stands_within_five_rows() -> None:
    rows = [(number, ["", ""]) for number in range(1, 5)] + [(5, ["题干"])]
    assert tables.find_header(iter(rows), {"stem": ("题干",)}, ["stem"])[0] == 5
    late = [(number, [""]) for number in range(1, 6)] + [(6, ["题干"])]
    with pytest.raises(UnreadableFile):
        tables.find_header(iter(late), {"stem": ("题干",)}, ["stem"])


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "＝1", "＋1", "－1", "＠x"]
)
def test_formulas_are_neutralised(cell: str) -> None:
    assert tables.neutralise(cell) == f"'{cell}"


@given(st.text(alphabet="'=+-@\t\r＝a题", max_size=8) | st.text())
def test_neutralised_text_comes_back(cell: str) -> None:
    assert tables.plain(tables.neutralise(cell)) == cell
    assert not tables.neutralise(cell).startswith(tables.DANGEROUS)


@pytest.mark.parametrize(
    "cell", ["=cmd()", "'=x", "http://x.cn", "007", "_x0041_", "<b>&", "\U0001f600", "a\nb"]
)
def test_written_text_is_read_back(cell: str) -> None:
    rows = list(tables.open_table(tables.write_xlsx(["h"], [[cell]], "s")))
    assert rows == [(1, ["h"]), (2, [cell])]


def test_numbers_stay_numbers_and_nothing_stays_empty() -> None:
    rows = list(tables.open_table(tables.write_xlsx(["h"], [[3, 2.5, None, "x"]], "s")))
    assert rows[1] == (2, ["3", "2.5", "", "x"])


def test_a_cell_longer_than_a_sheet_can_hold_is_cut_off_and_not_lost() -> None:
    rows = list(tables.open_table(tables.write_xlsx(["h"], [["x" * 10**6]], "s")))
    assert rows[1][1][0].startswith("xxx")


@pytest.mark.parametrize("name", ["A/B", "", "'q'", "[x]:*?\\", "长" * 80, "a\x00b"])
def test_any_name_of_a_sheet(name: str) -> None:
    assert list(tables.open_table(tables.write_xlsx(["h"], [], name))) == [(1, ["h"])]


@pytest.mark.parametrize(
    "rows",
    [
        f'{FIRST}<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
        '<row r="1"><c r="A1"><v>1</v></c></row><row r="200001"><c><v>1</v></c></row>',
        '<row r="1"><c r="A1"><v>1</v></c><c r="XFD1"><v>1</v></c></row>',
        '<row r="1"><c r="A1"><v>1</v></c></row><row r="200000"><c r="GR200000"><v>1</v></c></row>',
        '<row r="1"><c r="xfd1" t="inlineStr"><is><t>x</t></is></c></row>',
        # A cell that lies elsewhere than the row around it must not move the rows that follow.
        '<row r="4000000"><c r="A1"><v>1</v></c></row><row><c><v>1</v></c></row>',
    ],
)
def test_cells_far_apart_are_refused_before_memory_is_set_aside(rows: str) -> None:
    with pytest.raises(UnreadableFile):
        list(tables.open_table(a_sheet(rows)))


def test_far_cells_that_are_only_coloured_do_no_harm() -> None:
    rows = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576" s="0"/></row>'
    assert list(tables.open_table(a_sheet(rows))) == [(1, ["1"])]


def test_a_claimed_dimension_reserves_nothing() -> None:
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    xml = (
        f'<worksheet xmlns="{space}"><dimension ref="A1:XFD1048576"/>'
        '<sheetData><row r="1"><c r="A1"><v>1</v></c></row></sheetData></worksheet>'
    )
    content = with_member(an_xlsx({(0, 0): "x"}), SHEET, xml.encode())
    assert list(tables.open_table(content)) == [(1, ["1"])]


def test_a_sheet_with_entities_of_its_own_is_refused() -> None:
    xml = b'<!DOCTYPE x [<!ENTITY e "A1">]><worksheet><sheetData/></worksheet>'
    with pytest.raises(UnreadableFile):
        list(tables.open_table(with_member(an_xlsx({(0, 0): "x"}), SHEET, xml)))


def test_a_zip_bomb_is_refused() -> None:
    bomb = with_member(an_xlsx({(0, 0): "x"}), "xl/media/a.xml", b"\0" * (11 * 1024 * 1024))
    with pytest.raises(UnreadableFile):
        tables.check_archive(bomb)


def test_too_many_members_are_refused() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(tables.MAX_MEMBERS + 1):
            archive.writestr(str(number), b"")
    with pytest.raises(UnreadableFile):
        tables.check_archive(buffer.getvalue())


def test_a_member_that_unpacks_to_more_than_it_says_is_refused() -> None:
    bomb = with_member(an_xlsx({(0, 0): "x"}), "xl/lie.xml", b"\0" * (11 * 1024 * 1024))
    honest = struct.pack("<L", 11 * 1024 * 1024)
    lying = bomb.replace(honest, struct.pack("<L", 1000))
    tables.check_archive(lying)
    with pytest.raises(UnreadableFile):
        list(tables.open_table(lying))


@pytest.mark.parametrize(
    "content",
    [
        b"PK",
        b"PK\x03\x04" + b"x" * 1000,
        an_xlsx({(0, 0): "x"})[:-100],
        b"\xff\xfe\x00",
        b"a\0b",
        b"\x81",
        b"PK\x05\x06" + bytes(18),
    ],
)
def test_unreadable_files(content: bytes) -> None:
    with pytest.raises(UnreadableFile):
        list(tables.open_table(content))


@pytest.mark.parametrize("name", ["content.xml", "xl/workbook.bin"])
def test_another_format_in_the_archive_is_never_reached(name: str) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(name, "<x/>")
    with pytest.raises(UnreadableFile):
        list(tables.open_table(buffer.getvalue()))


WHOLE = tables.write_xlsx(["题干", "答案"], [[f"题{i}", "对"] for i in range(30)], "s")


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(2, len(WHOLE) - 1), st.integers(0, 255)), max_size=8))
def test_damage_is_always_told_as_an_unreadable_file(damage: list[tuple[int, int]]) -> None:
    content = bytearray(WHOLE)
    for place, byte in damage:
        content[place] = byte
    with suppress(UnreadableFile):
        list(tables.open_table(bytes(content)))
