"""Makes the sample files: an invented organisation of 600 people, and the question bank as a table.

    python -m samples.build

The same files come out every time.  Nobody in them exists.
"""

import csv
import io
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path

import xlsxwriter

from api.contests.formats.exports import questions_to_rows
from api.contests.formats.questions import read_questions

HERE = Path(__file__).parent
HEADER = [
    "公司代码", "工号", "姓名", "部门", "班组", "党支部", "团支部", "工会小组", "岗位", "入职日期",
    "状态",
]  # fmt: skip
MADE_ON = datetime(2026, 10, 1)  # noqa: DTZ001 - a property of the file, not an instant
TODAY = date(2026, 11, 1)
SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
GIVEN = (
    "安邦晨辰丹冬芳飞刚国海涵航红华欢慧嘉佳建健洁静军俊凯可兰磊立丽亮玲龙梅敏明宁鹏平倩强青晴秋荣瑞珊"
    "诗松涛婷伟文武霞翔晓欣新星秀旭雪雅岩艳阳洋怡毅英颖勇宇雨玉源月云泽真志智中珠子"
)
COMPANIES = (
    ("HY01", "恒源能源", "Hengyuan Energy", ("运行部", "检修部", "安全环保部", "综合部")),
    ("HY02", "恒源制造", "Hengyuan Manufacturing", ("生产部", "质量部", "设备部", "综合部")),
    ("HY03", "恒源物流", "Hengyuan Logistics", ("仓储部", "运输部", "客服部", "综合部")),
)
POSTS = ("值班员", "检修工", "技术员", "班组长", "安全员", "调度员", "质检员", "库管员", "文员")
CREWS = ("一班", "二班", "三班")
PEOPLE_A_COMPANY = 200


@dataclass(frozen=True)
class Person:
    """A line of the roster."""

    company: str
    number: str
    name: str
    department: str
    crew: str
    party: str
    league: str
    union: str
    post: str
    joined_on: str
    status: str

    def cells(self) -> list[str]:
        return [
            self.company, self.number, self.name, self.department, self.crew, self.party,
            self.league, self.union, self.post, self.joined_on, self.status,
        ]  # fmt: skip


def branches(short: str) -> dict[str, tuple[str, ...]]:
    """The eight branches of a company, by kind."""
    return {
        "party": tuple(f"{short}第{n}党支部" for n in "一二三"),
        "league": tuple(f"{short}第{n}团支部" for n in "一二"),
        "union": tuple(f"{short}工会第{n}小组" for n in "一二三"),
    }


def people(chance: random.Random) -> list[Person]:
    """Six hundred people, two hundred a company; numbers repeat across companies."""
    names = _names(chance)
    return [
        _person(chance, next(names), company, index)
        for company in COMPANIES
        for index in range(1, PEOPLE_A_COMPANY + 1)
    ]


def _names(chance: random.Random) -> Iterator[str]:
    used: set[str] = set()
    while True:
        name = chance.choice(SURNAMES) + "".join(chance.sample(GIVEN, chance.choice((1, 2, 2))))
        if name not in used:
            used.add(name)
            yield name


def _person(
    chance: random.Random, name: str, company: tuple[str, str, str, tuple[str, ...]], index: int
) -> Person:
    code, short, _english, departments = company
    groups = branches(short)
    young = index % 4 == 0
    joined = TODAY - timedelta(days=chance.randint(60, 1800 if young else 9000))
    return Person(
        company=code,
        number=f"{index:05}",
        name=name,
        department=departments[index % len(departments)],
        crew=CREWS[index // len(departments) % len(CREWS)],
        party=groups["party"][index % 3] if index % 20 in (1, 3, 6, 9, 12, 15, 18) else "",
        league=groups["league"][index // 4 % 2] if young else "",
        union=groups["union"][index % 3],
        post=chance.choice(POSTS),
        joined_on=joined.isoformat(),
        status={50: "长期休假", 150: "借调"}.get(index, "在职"),
    )


def next_month(roster: Sequence[Person], chance: random.Random) -> list[Person]:
    """The roster a month later: 12 join, 7 move, 5 leave."""
    leaving = {("HY01", "00190"), ("HY01", "00191"), ("HY02", "00190"), ("HY03", "00190"),
               ("HY03", "00191")}  # fmt: skip
    moving = {("HY01", f"{n:05}") for n in (171, 172, 173)} | {
        ("HY02", f"{n:05}") for n in (171, 172, 173, 174)
    }
    stay = [p for p in roster if (p.company, p.number) not in leaving]
    moved = [_moved(p) if (p.company, p.number) in moving else p for p in stay]
    names = _names(random.Random(99))
    known = {p.name for p in roster}
    fresh = [
        replace(
            _person(chance, _unknown(names, known), company, PEOPLE_A_COMPANY + index),
            status="在职", joined_on="2026-11-16",
        )
        for company in COMPANIES
        for index in range(1, 5)
    ]  # fmt: skip
    return [*moved, *fresh]


def _unknown(names: Iterator[str], known: set[str]) -> str:
    return next(name for name in names if name not in known)


def _moved(person: Person) -> Person:
    """The same person in the next department of the company."""
    departments = next(c[3] for c in COMPANIES if c[0] == person.company)
    place = departments.index(person.department)
    return replace(person, department=departments[(place + 1) % len(departments)])


def with_errors(roster: Sequence[Person]) -> list[Person]:
    """The same with two wrong rows: 17 has an impossible date, 203 no number (row 1: header)."""
    rows = list(roster)
    rows[15] = replace(rows[15], joined_on="2026-02-30")
    rows[201] = replace(rows[201], number="")
    return rows


def organization(roster: Sequence[Person]) -> dict[str, object]:
    """What HR's file doesn't say: names of companies, branches, bodies, teams, roles."""
    return {
        "group": {"name": "恒源集团", "name_en": "Hengyuan Group"},
        "companies": [
            {"code": code, "name": name, "name_en": english}
            for code, name, english, _d in COMPANIES
        ],
        "branches": [
            {"name": name, "kind": kind, "company": code, "established_on": "2019-05-04"}
            for code, short, _english, _departments in COMPANIES
            for kind, names in branches(short).items()
            for name in names
        ],
        "bodies": [
            {"name": "集团团委", "kind": "youth_league", "company": None},
            {"name": "集团工会", "kind": "union", "company": None},
            {"name": "党建部", "kind": "party", "company": None},
            {"name": "行政部", "kind": "administration", "company": None},
        ],
        "teams": [
            _team("team", "应急抢修队", "HY01", range(21, 31)),
            _team("team", "质量攻关组", "HY02", range(21, 29)),
            _team("project", "节能改造项目", "HY01", range(41, 49)),
            _team("project", "智慧仓储项目", "HY03", range(21, 30)),
        ],
        "roles": {
            "organizer": {"company": "HY01", "number": "00004", "body": "集团团委"},
            "auditor": {"company": "HY02", "number": "00002"},
            "secretaries": _officers(roster, 0),
            "representatives": _officers(roster, 1),
        },
    }


def _team(kind: str, name: str, company: str, numbers: range) -> dict[str, object]:
    return {"kind": kind, "name": name, "company": company, "numbers": [f"{n:05}" for n in numbers]}


def _officers(roster: Sequence[Person], place: int) -> list[dict[str, str]]:
    """The person at `place` in each branch's list."""
    lists: dict[str, list[Person]] = {}
    for person in roster:
        for branch in (person.party, person.league, person.union):
            if branch:
                lists.setdefault(branch, []).append(person)
    return [
        {"branch": branch, "company": found[place].company, "number": found[place].number}
        for branch, found in sorted(lists.items())
    ]


def write_table(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """An xlsx file of text cells, the same bytes every time."""
    with xlsxwriter.Workbook(path, {"strings_to_formulas": False}) as book:
        book.set_properties({"created": MADE_ON})
        sheet = book.add_worksheet("Sheet1")
        for number, cells in enumerate([header, *rows]):
            for column, cell in enumerate(cells):
                sheet.write_string(number, column, cell)


def write_csv(path: Path, rows: Sequence[Sequence[str]]) -> None:
    """A csv file as spreadsheets on Windows write it."""
    buffer = io.StringIO()
    csv.writer(buffer).writerows([HEADER, *rows])
    path.write_bytes(buffer.getvalue().encode("utf-8-sig"))


def main() -> None:
    """Write all files beside this one."""
    roster = people(random.Random(2026))
    later = next_month(roster, random.Random(2027))
    write_table(HERE / "roster.xlsx", HEADER, [p.cells() for p in roster])
    write_csv(HERE / "roster.csv", [p.cells() for p in roster])
    write_table(HERE / "roster_next_month.xlsx", HEADER, [p.cells() for p in later])
    rows = [p.cells() for p in with_errors(later)]
    write_table(HERE / "roster_with_errors.xlsx", HEADER, rows)
    text = HERE / "safety_and_energy.txt"
    header, questions = questions_to_rows(read_questions(text.read_bytes(), text.name).questions)
    write_table(HERE / "safety_and_energy.xlsx", header, list(questions))
    document = json.dumps(organization(roster), ensure_ascii=False, indent=1)
    (HERE / "organization.json").write_text(document + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
