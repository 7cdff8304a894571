"""A report counts what the signed accounts say, says the same in three forms, and is what the log's key signed."""

from __future__ import annotations

import json
import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime, timedelta
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from review.audit.kinds import Act
from review.audit.log import AuditLog
from review.report import html, pdf, signing
from review.report.document import Document, Table, Text, document
from review.report.gather import UNREAD_HOLDS, Period, Sources, amount, gather
from review.report.logs import Source, add_played, read_log
from review.report.model import KINDS, MOST, HoldRow, LogRead, Model, Newest, Opening
from review.report.words import GERMAN, lasting, visible
from store.admin.init import COMPLIANCE
from store.catalog import schema
from store.catalog.database import Database
from store.evidence.evidence import gather as evidence_of
from store.evidence.timeline import recording as timeline
from tests.review.audit.making import KEY, SIGNER, new_log, overwrite
from tests.review.report.worlds import DAY, HOSTILE, NOON, random_world

PERIOD = Period(date(2026, 11, 22), date(2026, 11, 28))


class Clock:
    def __init__(self, now: int) -> None:
        self.now = now

    def __call__(self) -> int:
        self.now += 10**9
        return self.now


class Made:
    """A world, its log, and what was gathered of both."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.world, self.recordings = random_world(folder, seed)
        self.database: Database = self.world.home.database()
        self.log: AuditLog = new_log(folder / "reports-log", Clock(NOON - 5 * DAY))  # type: ignore[arg-type]
        facts = {"purpose": "audit", "rule": "r", "rendition": "original"}
        acts = [Act("open", "ann@example.com", "-", [one], facts) for one in self.recordings]
        acts.append(Act("hold", "cleo@example.com", "-", [self.recordings[0]],
                        {"hold": "case-1", "why": "PRIVATE WORDS", "review": "2027-01-31"}))  # fmt: skip
        self.log.append_all(acts)

    def sources(self) -> Sources:
        source = Source("console", self.log.folder, SIGNER.key, KEY, {})
        absent = [LogRead("custodian", why_not="its folder was not named (--custodian)")]
        home = self.world.home
        return Sources(self.database, home.blobs(), home.key(COMPLIANCE).id, SIGNER.key, [source], absent)

    def model(self, period: Period = PERIOD, *, verify: bool = False, language: str = "en") -> Model:
        return gather(self.sources(), period, "ann@example.com", verify=verify, language=language, clock=lambda: NOON)

    def accounts(self, period: Period = PERIOD) -> Iterator[dict[str, Any]]:
        """What `eyelid-store timeline --json` prints of each that began in the period."""
        with self.database.reading() as connection:
            for one in self.recordings:
                found = timeline.facts(evidence_of(connection, UUID(one)))
                if period.start <= int(datetime.fromisoformat(found["start"]).timestamp()) * 10**9 < period.end:
                    yield found


@pytest.fixture(scope="module", params=[1, 2, 3])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    found = Made(tmp_path_factory.mktemp("world"), request.param)
    with closing(found.database):
        yield found


@pytest.mark.slow(reason="stores with many recordings")
def test_the_sums_are_those_of_the_parts_of_each_account(made: Made) -> None:
    """Added up here from the parts alone, not from the sums that a timeline has of them."""
    lanes: dict[str, Counter[str]] = defaultdict(Counter)
    days: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    rules: dict[tuple[str, str], int] = Counter()
    reasons: dict[tuple[str, str, str], int] = Counter()
    states: Counter[str] = Counter()
    for account in made.accounts():
        states[account["state"]] += 1
        day = datetime.fromisoformat(account["start"]).astimezone().date().isoformat()
        for lane in (account, *([account["audio"]] if "audio" in account else [])):
            name = lane["lane"]
            for counts in (lanes[name], days[day, name]):
                counts["recordings"] += 1
                for part in lane["parts"]:
                    counts[part["what"]] += part["to"] - part["from"]
            for part in lane["parts"]:
                ns = part["to"] - part["from"]
                for rule in set(part.get("rules", [])):
                    rules[name, rule] += ns
                for reason in [*part.get("holds", []), *([part["why"]] if "why" in part else [])]:
                    reasons[name, part["what"], reason] += ns
    model = made.model()
    assert model.states == states
    assert model.recordings > 2
    assert set(model.lanes) == set(lanes)
    for name, sums in model.lanes.items():
        assert {kind: getattr(sums, kind) for kind in ("recordings", *KINDS)} == {
            kind: lanes[name][kind] for kind in ("recordings", *KINDS)
        }
        assert sums.whole == sum(lanes[name][kind] for kind in KINDS)
    for day, there in model.days.items():
        for name, sums in there.items():
            assert [getattr(sums, kind) for kind in KINDS] == [days[day, name][kind] for kind in KINDS]
    assert {(day, name) for day, there in model.days.items() for name in there} == set(days)
    assert {(one.lane, one.rule): one.closed + one.margin for one in model.rules} == rules
    found = {
        (lane, kind, reason): ns
        for lane, kinds in model.reasons.items()
        for kind, several in kinds.items()
        for reason, ns in several.items()
    }
    assert found == reasons
    for name in model.lanes:  # whatever it is cut by, it comes to the same
        for several in (model.days, model.groups):
            assert sum(there[name].whole for there in several.values() if name in there) == model.lanes[name].whole


@pytest.mark.slow(reason="stores with many recordings")
def test_days_add_up_to_the_period_and_nothing_counts_twice(made: Made) -> None:
    first = date(2026, 11, 18)
    whole = made.model(Period(first, date(2026, 11, 30)))
    assert whole.recordings == len(made.recordings)
    single = [made.model(Period(one, one)) for one in (first + timedelta(days=place) for place in range(13))]
    assert sum(one.recordings for one in single) == whole.recordings
    assert sum(one.lanes["screen"].kept for one in single if one.lanes) == whole.lanes["screen"].kept
    steps: list[int] = []
    gather(made.sources(), PERIOD, "x", verify=False, advance=steps.append)
    assert sum(steps) == amount(made.sources(), PERIOD)


# -- three forms ------------------------------------------------------------------------------------------------------


class Cells(HTMLParser):
    """The tables of a page, as rows of texts; and everything else that is text."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[tuple[str, ...]] = []
        self.tags: Counter[str] = Counter()
        self._row: list[str] | None = None
        self._cell: str | None = None
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        assert not [name for name, _ in attrs if name.startswith("on") or name == "style"]
        if tag == "tr":
            self._row = []
        elif tag == "td":
            self._cell = ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "td" and self._row is not None and self._cell is not None:
            self._row.append(self._cell)
            self._cell = None
        elif tag == "tr" and self._row:
            self.rows.append(tuple(self._row))

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._cell is not None:
            self._cell += data


def texts_of_pdf(content: bytes) -> str:
    """What stands in its pages, without blanks: a cell may go on in another line."""
    found = b""
    for one in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", content, re.DOTALL):
        try:
            found += zlib.decompress(one)
        except zlib.error:
            continue
    shown = re.findall(rb"\(((?:\\.|[^\\)])*)\) Tj", found, re.DOTALL)
    plain = b"".join(re.sub(rb"\\(.)", rb"\1", one, flags=re.DOTALL) for one in shown)
    return re.sub(r"\s", "", plain.decode("cp1252"))


def rows_of(shown: Document) -> list[tuple[str, ...]]:
    return [row for block in shown.blocks if isinstance(block, Table) for row in block.rows]


@pytest.mark.slow(reason="stores with many recordings")
@pytest.mark.parametrize("language", ["en", "de"])
def test_all_three_forms_have_the_same_figures(made: Made, language: str) -> None:
    model = made.model(language=language)
    said = json.loads(json.dumps(model.facts()))
    shown = document(model)
    rows = rows_of(shown)
    page = Cells()
    page.feed(html.page(shown).decode())
    assert page.rows == [tuple(map(visible, row)) for row in rows]
    in_pdf = texts_of_pdf(pdf.page(shown, model.made))
    for row in rows:
        for cell in row:
            assert re.sub(r"\s", "", pdf.legible(cell)) in in_pdf
    for sums in said["lanes"].values():
        wanted = tuple(lasting(sums[kind]) for kind in ("whole", *KINDS))
        assert any(row[2:] == wanted for row in rows)
    for rule in said["rules"]:
        assert any(
            row[0] == rule["rule"] and row[5:] == (lasting(rule["closed"]), lasting(rule["margin"])) for row in rows
        )
    assert len(said["openings"]["rows"]) == len(made.recordings)


def plain_model(name: str) -> Model:
    """With this name wherever somebody else may write one."""
    from review.report.model import AlarmSum, Policy, RuleSum, Sums  # noqa: PLC0415 - of this alone

    model = Model("2026-11-01", "2026-11-30", "CET", 0, 1, NOON, name, "log", "key", "en", named=True)
    model.lanes = {"screen": Sums(1, 6, 1, 1, 1, 1, 1, 1)}
    model.days, model.groups = {"2026-11-01": model.lanes}, {name: model.lanes}
    model.rules = [RuleSum("screen", name, name, 1, 1, 1, 1)]
    model.reasons = {"screen": {"held": {name: 1}, "blind": {name: 1}, "missing": {name: 1}}}
    model.policies = [Policy(name, 1, 0, 0, readable=True)]
    model.states = {"closed": 1, "unreadable": 1}
    model.unreadable.add(name)
    model.openings.add(Opening(0, "console", 1, name, "open", "success", (name,), name, name))
    model.holds.add(HoldRow(0, "console", "hold", name, name, 1, 1))
    model.alarms = [AlarmSum(name, 1, 0)]
    model.logs = [LogRead("console", why_not=name, people={name: {"open": 1}}, counts={name: {name: 1}})]
    model.overflow = {name: 1}
    return model


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_text_in_every_form(name: str) -> None:
    model = plain_model(name)
    shown = document(model)
    content = html.page(shown).decode()
    page = Cells()
    page.feed(content)
    assert page.tags["script"] == page.tags["img"] == page.tags["iframe"] == 0
    assert not re.search(r"[\u202a-\u202e\u2066-\u2069]", unescape(content))
    assert page.text.count(visible(name)) > 8
    written = pdf.page(shown, NOON)
    assert re.sub(r"\s", "", pdf.legible(name)) in texts_of_pdf(written)
    assert not re.search(rb"/(?:JavaScript|JS|AA|Launch|URI|EmbeddedFile)\b", written)
    assert re.findall(rb"/OpenAction \S+", written) in ([], [b"/OpenAction [3"])  # a page to begin with, and no act
    assert json.loads(json.dumps(model.facts()))["rules"][0]["rule"] == name


@pytest.mark.parametrize("letter", ["\U0001f600", "W", "\u202e"])
def test_the_longest_names_leave_a_pdf(letter: str) -> None:
    """Names have 200 characters at the most; one without a letter in the fonts stands as up to eight."""
    model = plain_model("x")
    model.groups = {letter * 200: model.lanes}
    model.openings.add(Opening(0, "console", 1, letter * 200, "open", "success", ("a" * 36,) * 20, "audit", "rule"))
    model.holds.add(HoldRow(0, "console", "hold", "case-1", letter * 200, 1, 1))
    assert pdf.page(document(model), NOON).startswith(b"%PDF")


def test_the_page_asks_for_nothing_from_elsewhere_and_has_its_own_policy() -> None:
    content = html.page(document(plain_model("x"))).decode()
    assert not re.search(r"(?:src|href|action)=|url\(|@import|https?:", content)
    assert f'content="{html.POLICY}"' in unescape(content)
    assert "unsafe" not in html.POLICY


def test_what_is_unknown_is_said() -> None:
    said = " ".join(block.text for block in document(plain_model("why")).blocks if isinstance(block, Text))
    for words in (
        "Nothing was verified",
        "have not sent yet",
        "eyelid-store gaps",
        "could not be read",
        "was not read: why",
    ):
        assert words in said


def test_what_was_played_stands_at_its_opening(tmp_path: Path) -> None:
    """As its page reported it: the time on any lane counts once. What was not reported is said."""
    log = new_log(tmp_path / "log", clock=lambda: NOON)
    said = {"purpose": "complaint", "rule": "r", "rendition": "original"}
    first, _, exported = log.append_all([
        Act("open", "lena@example.com", "-", ["a"], said), Act("open", "lena@example.com", "-", ["a"], said),
        Act("export", "lena@example.com", "-", ["a"], said),
    ])  # fmt: skip
    for spans in ([[0, 5], [0, 3]], [[4, 9], [20, 21]]):
        log.append(
            Act("watched", "lena@example.com", "-", ["a"], {"opening": first, "spans": spans, "lanes": ["0", "1"]})
        )
    model = plain_model("x")
    model.start, model.end, model.openings = NOON - 1, NOON + 1, Newest()
    read_log(model, Source("custodian", log.folder, SIGNER.key, KEY, {}), lambda: None)
    add_played(model)
    assert [(one.kind, one.entry, one.played) for one in model.openings.rows] == [
        ("open", first, 10), ("open", first + 1, None), ("export", exported, None)
    ]  # fmt: skip
    assert [row[-1] for row in rows_of(document(model)) if row[4:5] in (("open",), ("export",))] == [
        "0:00:00", "not reported", "-"
    ]  # fmt: skip
    assert "played" not in model.facts()
    assert [one["played"] for one in model.facts()["openings"]["rows"]] == [10, None, None]


# -- what a report knows ----------------------------------------------------------------------------------------------


@pytest.mark.slow(reason="stores with many recordings")
def test_what_verify_finds_is_in_it_and_what_was_not_asked_is_said(made: Made) -> None:
    model = made.model(verify=True)
    assert model.verified.recordings == model.recordings
    assert (model.verified.sound == model.recordings) == (not model.verified.findings)
    assert model.verified.not_checked == {"commitment": model.recordings, "tags": model.recordings}
    assert len(model.verified.unsound) == model.recordings - model.verified.sound
    assert not made.model().verified.asked


@pytest.mark.slow(reason="a store")
def test_alarms_logs_and_what_cannot_be_read(tmp_path: Path) -> None:
    made = Made(tmp_path, 5)
    with closing(made.database):
        device = next(made.accounts(Period(date(2026, 11, 1), date(2026, 11, 30))))["device"]
        with made.database.writing() as connection:
            bad = made.recordings[0]
            connection.exec_driver_sql("update sealed set start = 'x' where recording = ?", (bad,))
            connection.exec_driver_sql("update recordings set start = 'x' where id = ?", (bad,))
            for code, at in (("gap", PERIOD.start), ("gap", PERIOD.end), ("forged", PERIOD.end - 1)):
                connection.execute(insert(schema.alarms).values(at=at, code=code, device=device))
            settled = {
                "at": 1,
                "operator": "root",
                "action": "acknowledge-alarm",
                "reason": "PRIVATE WORDS",
                "alarm": 1,
            }
            connection.execute(insert(schema.audit).values(**settled))
        model = made.model(Period(date(2026, 11, 1), date(2026, 11, 30)))
        assert model.states["unreadable"] == 1
        assert model.unreadable.rows == [bad]
        week = made.model()
        assert {(one.code, one.raised, one.settled) for one in week.alarms if one.code in ("gap", "forged")} >= {
            ("forged", 1, 0)
        }
        console, custodian = model.logs
        assert (console.entries, console.counts["open"]) == (made.log.size, {"success": len(made.recordings)})
        assert custodian.why_not
        assert [(one.log, one.act, one.hold) for one in model.holds.rows] == [("console", "hold", "case-1")]
        assert "PRIVATE WORDS" not in json.dumps(model.facts())
        assert all(one.who.startswith("p.") for one in model.openings.rows)
        overwrite(made.log.folder, 0)
        assert made.model(Period(date(2026, 11, 1), date(2026, 11, 30))).logs[0].changed == 1


def opening(at: int, log: str, entry: int) -> Opening:
    return Opening(at, log, entry, "ann", "open", "success", ("r",), "audit", "r")


@given(st.integers(0, 3 * MOST), st.integers(0, 2**32))
@settings(max_examples=20, deadline=None)
def test_the_newest_of_both_logs_stay(count: int, seed: int) -> None:
    order = [(at, log) for at in range(2 * MOST) for log in ("console", "custodian")]
    Random(seed).shuffle(order)
    listed, rows = Newest(), [opening(at, log, at) for at, log in order[:count]]
    for row in rows:
        listed.add(row)
    listed.cut()
    assert listed.rows == sorted(rows, key=lambda one: (one.at, one.log))[-MOST:]
    assert listed.left_out == max(0, count - MOST)


@pytest.mark.slow(reason="a store, and more looks than a list has rows")
def test_looks_hide_no_opening_and_each_list_says_how_many_more_there_are(tmp_path: Path) -> None:
    made = Made(tmp_path, 6)
    with closing(made.database):
        other = new_log(tmp_path / "looks", made.log._clock)  # type: ignore[arg-type] # a later time at each entry
        look = Act("list", "cleo@example.com", "-", ["console"], {"of": "account", "results": 1})
        other.append_all([look] * (MOST + 3))
        sources = made.sources()
        both = [Source("console", other.folder, SIGNER.key, KEY, {}), Source("custodian", made.log.folder, SIGNER.key,
                                                                             KEY, {})]  # fmt: skip
        model = gather(replace(sources, logs=both), PERIOD, "ann", verify=False)
    assert (len(model.openings.rows), model.openings.left_out) == (len(made.recordings), 0)
    assert (len(model.looks.rows), model.looks.left_out) == (MOST, 3)
    assert model.looks.rows[-1].entry == MOST + 2
    said = [block.text for block in document(model).blocks if isinstance(block, Text)]
    assert "3 more rows are in the logs and the store." in said


@pytest.mark.slow(reason="stores with many recordings")
def test_it_can_be_ended_in_every_part(made: Made) -> None:
    class Ended(Exception):
        pass

    def checks(sources: Sources, most: int = 10**6) -> int:
        left = most

        def check() -> None:
            nonlocal left
            left -= 1
            if not left:
                raise Ended

        gather(sources, PERIOD, "ann", verify=False, check=check)
        return most - left

    sources = made.sources()
    none = checks(replace(sources, logs=[]))
    assert none > amount(sources, PERIOD)  # also bundles and erasures
    every = checks(sources)
    assert every == none + 1  # a group of entries
    for most in range(1, every + 1):
        with pytest.raises(Ended):
            checks(sources, most)


# -- signed -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def signed(tmp_path: Path) -> tuple[AuditLog, Path]:
    log = new_log(tmp_path / "log")
    folder = tmp_path / "report"
    signing.write(signing.signed(plain_model("x"), log, "ann@example.com", "-"), folder)
    return log, folder


def check(folder: Path) -> tuple[str, ...]:
    return signing.check(folder, SIGNER.key.public, SIGNER.key.name).findings


def test_what_was_signed_fits_and_every_change_is_named(signed: tuple[AuditLog, Path]) -> None:
    log, folder = signed
    assert check(folder) == ()
    assert log.size == 1
    for name in signing.FILES:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[:-2] + b"x\n")
        assert check(folder) == (f"{name} is not what was signed",)
        (folder / name).unlink()
        assert check(folder) == (f"{name} is missing, or no file",)
        (folder / name).mkdir()
        assert check(folder) == (f"{name} is missing, or no file",)
        (folder / name).rmdir()
        (folder / name).write_bytes(content)
    (folder / "more.txt").write_text("x")
    assert signing.check(folder, SIGNER.key.public, SIGNER.key.name).others == ("more.txt",)
    assert signing.check(folder, SIGNER.key.public, "another").findings


def test_every_text_is_in_german_and_none_too_many() -> None:
    import ast  # noqa: PLC0415 - of this alone

    found: set[str] = set()
    folder = Path(signing.__file__).parent
    for path in (*folder.glob("*.py"), folder.parent / "web" / "reports.py", folder.parent / "commands" / "report.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if name in ("_", "_words", "words"):
                    found |= {one.value for one in node.args if isinstance(one, ast.Constant)}
    unread = {"its folder was not named (--custodian)", "it is the custodian's own, and the console has no key to it"}
    found |= {"console", "custodian", "lifecycle", UNREAD_HOLDS} | unread
    assert sorted(found - GERMAN.keys()) == []
    assert sorted(GERMAN.keys() - found) == []
    for english, german in GERMAN.items():
        assert sorted(re.findall(r"\{\w*\}", english)) == sorted(re.findall(r"\{\w*\}", german))


@pytest.mark.parametrize(("first", "last"), [("2026-11-02", "2026-11-01"), ("2026-01-01", "2027-01-02")])
def test_a_period_that_is_none_is_refused(first: str, last: str) -> None:
    with pytest.raises(ValueError, match="day"):
        Period(date.fromisoformat(first), date.fromisoformat(last))
