"""Policies, the bundle, health, and what the application says of itself."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from starlette.responses import Response

from protocol import api, bundle, ledger
from protocol.bundle import Bundle
from protocol.policyhash import policy_hash
from store.admin.home import Home
from store.admin.init import COMPLIANCE
from store.catalog import queries, schema, statements
from store.clock import SECOND
from store.server.log import JsonLines
from store.server.routes import bodies
from store.server.services import Services
from testkit.fakes.pc import Pc
from tests.store.conftest import SetClock, serving

FILES = {"a.yaml": "rules: []\n...\n", "b.yaml": "naïve: ü\n...\n"}
HASH = policy_hash({name: text.encode() for name, text in FILES.items()})


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


def put_policy(pc: Pc, policy: str, body: Any) -> httpx.Response:
    return pc.client.put(api.policy_path(policy), json=body, headers=pc.bearer)


# -- policies -----------------------------------------------------------------------------------------------------


NESTED = b'{"":' * 900 + b"0" + b"}" * 900


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(b"0," * 10_000 + b"0", id="numbers"),
        pytest.param(b'"a\\",[",' * 10_000 + b"0", id="strings"),
        pytest.param(b",".join([NESTED] * 10), id="one in another"),
        pytest.param(b",".join([b'{"a":"b"}'] * 10_000), id="objects"),
    ],
)
def test_a_body_of_many_values_is_refused_before_it_is_parsed(
    pc: Pc, monkeypatch: pytest.MonkeyPatch, values: bytes
) -> None:
    """4 MiB of them take 170 MB and most of a second of the event loop."""
    monkeypatch.setattr(bodies, "parse_object", lambda _: {})  # what is parsed is refused for its fields
    content = b'{"files":{},"x":[' + values + b"]}"
    answer = pc.client.put(api.policy_path(HASH), content=content, headers=pc.bearer)
    assert refusal(answer) == (400, "bad-json")


def test_the_text_of_a_policy_may_have_any_number_of_commas_and_brackets(pc: Pc) -> None:
    text = '- {a: ["\\", 1]}\n' * 20_000
    files = {"a.yaml": text, "b.yaml": text[:-1] + "\\"}
    policy = policy_hash({name: one.encode() for name, one in files.items()})
    assert put_policy(pc, policy, {"files": files}).json() == {"hash": policy}


def test_the_text_of_a_policy_is_kept_by_its_hash(pc: Pc, services: Services) -> None:
    for _ in range(2):
        assert put_policy(pc, HASH, {"files": FILES}).json() == {"hash": HASH}
    with services.database.reading() as connection:
        kept = statements.policy_files(connection, HASH)
    assert kept is not None
    assert json.loads(kept) == FILES


@pytest.mark.parametrize(
    ("policy", "body", "status", "code"),
    [
        (HASH, {"files": FILES | {"c.yaml": ""}}, 400, "wrong-hash"),
        (HASH, {"files": {"a.yaml": FILES["a.yaml"]}}, 400, "wrong-hash"),
        (HASH, {"files": {"a.yaml": 7}}, 400, "bad-field"),
        (HASH, {"files": []}, 400, "bad-field"),
        (HASH, {}, 400, "bad-field"),
        (HASH, [], 400, "bad-json"),
        (HASH, {"files": {"": ""}}, 400, "bad-name"),
        (HASH.upper(), {"files": FILES}, 400, "bad-path"),
        ("short", {"files": FILES}, 400, "bad-path"),
    ],
)
def test_a_text_that_is_not_that_policy_is_refused(
    pc: Pc, services: Services, policy: str, body: Any, status: int, code: str
) -> None:
    assert refusal(put_policy(pc, policy, body)) == (status, code)
    with services.database.reading() as connection:
        assert connection.execute(select(schema.policies)).all() == []


@pytest.mark.parametrize(
    "files",
    [
        {"a.yaml": "x" * 10**7},
        {"a.yaml": "x" * 2**20, "b.yaml": "ü" * 2**19 + "."},
        {f"{number}.yaml": "" for number in range(101)},
    ],
)
def test_a_policy_that_no_agent_puts_in_force_is_refused(pc: Pc, files: dict[str, str]) -> None:
    policy = policy_hash({name: text.encode() for name, text in files.items()})
    assert refusal(put_policy(pc, policy, {"files": files})) == (413, "oversized")


# -- the bundle ---------------------------------------------------------------------------------------------------


def test_the_newest_bundle_is_given_out(pc: Pc, services: Services, home: Home) -> None:
    answer = pc.client.get(api.BUNDLE, headers=pc.bearer).json()
    assert bundle.verify(answer["bundle"], home.key(COMPLIANCE).id).revision == 1
    with services.database.writing() as connection:
        connection.execute(schema.bundles.insert().values(revision=2, token="newer", added_at=0))
    assert pc.client.get(api.BUNDLE, headers=pc.bearer).json() == {"bundle": "newer", "successors": []}


def test_all_who_take_a_bundle_take_one_object(services: Services) -> None:
    async def parts(answer: Response) -> list[bytes]:
        made: list[bytes] = []

        async def send(message: Any) -> None:
            made.append(message.get("body", b""))

        await answer({}, send, send)
        return made

    with services.database.reading() as connection:
        tokens = [services.bundles.newest(connection) for _ in range(2)]
    assert tokens[0] is tokens[1]
    facts: dict[str, object] = {"bundle": tokens[0], "successors": ["\u00e4"]}
    first, second = (asyncio.run(parts(services.bundles.answer(facts))) for _ in range(2))
    assert json.loads(b"".join(first)) == facts
    assert [one is other for one, other in zip(first, second, strict=True)][2]


def test_a_store_without_a_bundle_says_so(pc: Pc, services: Services, secret: Callable[..., str]) -> None:
    with services.database.writing() as connection:
        connection.execute(schema.bundles.delete())
    answer = pc.client.get(api.BUNDLE, headers=pc.bearer)
    assert refusal(answer) == (503, "no-bundle")
    assert answer.headers["Retry-After"]
    assert refusal(Pc(pc.client).enrol(secret())) == (503, "no-bundle")


# -- health -------------------------------------------------------------------------------------------------------


def health(**changes: object) -> dict[str, object]:
    whole: dict[str, object] = {
        "wall": 1,
        "agent_version": "0.1.0",
        "recording": "0193a1b2-0000-7000-8000-000000000001",
        "heads": {"0": {"next": 3, "head": "a" * 64}},
        "ledger": {"next": 0, "head": ledger.ZERO},
        "holds": ["user"],
        "pending_chunks": 2,
        "pending_bytes": 300,
        "bundle_revision": 1,
        "policy": "b" * 64,
    } | changes
    return {name: value for name, value in whole.items() if value is not None}


def put_health(pc: Pc, body: object, device: str = "") -> httpx.Response:
    return pc.client.put(api.device_health_path(device or pc.device), json=body, headers=pc.bearer)


def test_the_last_health_of_a_device_is_kept(pc: Pc, services: Services, clock: SetClock) -> None:
    put_health(pc, health())
    clock.pass_by(60)
    answer = put_health(pc, health(recording=None, policy=None, heads={}))
    assert answer.json() == {"bundle_revision": 1, "ledger": {"next": 0, "head": ledger.ZERO}}
    with services.database.reading() as connection:
        kept = queries.last_health(connection, pc.device)
    assert kept is not None
    assert kept[0] == clock()
    assert json.loads(kept[1]) == health(recording=None, policy=None, heads={})


@pytest.mark.parametrize(
    "changes",
    [
        {"wall": -1},
        {"wall": "now"},
        {"recording": "none"},
        {"heads": []},
        {"heads": {"one": {"next": 1, "head": "a" * 64}}},
        {"heads": {"65535": {"next": 1, "head": "a" * 64}}},
        {"heads": {"00": {"next": 1, "head": "a" * 64}}},
        {"heads": {"0": {"next": 1, "head": "A" * 64}}},
        {"heads": {"0": 3}},
        {"ledger": None},
        {"holds": "user"},
        {"pending_bytes": 1.5},
        {"policy": "short"},
    ],
)
def test_a_health_report_that_makes_no_sense(pc: Pc, services: Services, changes: dict[str, object]) -> None:
    assert refusal(put_health(pc, health(**changes))) == (400, "bad-field")
    with services.database.reading() as connection:
        assert queries.last_health(connection, pc.device) is None


def test_nobody_reports_for_another(pc: Pc, new_pc: Callable[[], Pc]) -> None:
    assert refusal(put_health(pc, health(), new_pc().device)) == (403, "foreign-device")


# -- the application ----------------------------------------------------------------------------------------------


def test_anyone_may_ask_whether_the_store_works(client: httpx.Client) -> None:
    answer = client.get(api.HEALTH)
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 404, "no-such-path"),
        ("GET", "/docs", 404, "no-such-path"),
        ("DELETE", api.LEDGER, 405, "no-such-method"),
    ],
)
def test_there_is_one_shape_for_every_refusal(
    client: httpx.Client, method: str, path: str, status: int, code: str
) -> None:
    answer = client.request(method, path)
    assert refusal(answer) == (status, code)
    assert set(answer.json()) == {"error", "message"}


def test_openapi_describes_every_route_of_the_protocol(client: httpx.Client) -> None:
    described = client.get("/openapi.json").json()
    paths = {
        api.ENROLL: "post",
        api.TOKEN: "post",
        api.RECORDING: "put",
        api.LEDGER: "post",
        api.BUNDLE: "get",
        api.POLICY: "put",
        api.DEVICE_HEALTH: "put",
        api.HEALTH: "get",
        api.INTERACTIONS: "post",
        api.INTERACTIONS_REFUSED: "post",
    }
    assert {path: next(iter(methods)) for path, methods in described["paths"].items()} == paths
    request = described["paths"][api.DEVICE_HEALTH]["put"]["requestBody"]["content"]["application/json"]["schema"]
    assert set(request["properties"]) == set(api.DeviceHealthRequest.__annotations__)
    assert set(request["required"]) == set(request["properties"]) - {
        "recording",
        "policy",
        "report",
        "location",
        "troubles",
    }
    assert request["properties"]["heads"]["additionalProperties"]["required"] == ["next", "head"]
    answer = described["paths"][api.RECORDING]["put"]["responses"]
    assert set(answer) >= {"200", "400", "401", "403", "409", "413", "503", "507"}


def test_a_fault_of_the_catalog_is_told_and_may_pass(
    pc: Pc, services: Services, bundle: Bundle, caplog: pytest.LogCaptureFixture
) -> None:
    recording = pc.open_recording(bundle)
    with services.database.writing() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()

    def limit(to: object) -> None:
        services.writer.write(lambda connection: connection.exec_driver_sql(f"PRAGMA max_page_count = {to}").close())

    limit(pages)
    big = {"a.yaml": "x" * 10**6}
    with caplog.at_level(logging.ERROR, "eyelid.store"):
        answer = put_policy(pc, policy_hash({"a.yaml": big["a.yaml"].encode()}), {"files": big})
    assert refusal(answer) == (503, "database-fault")
    assert answer.headers["Retry-After"]
    assert "x" * 20 not in caplog.text
    limit(10**6)
    assert pc.put_sealed(recording.seal()).status_code == 200


def test_a_fault_of_the_store_s_own_is_told_without_its_words(
    home: Home, services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> int:
        raise LookupError("canary")

    with serving(home, replace(services, clock=lambda: SECOND)) as client, caplog.at_level(logging.ERROR):
        client.get(api.HEALTH)
        # The clock is asked for the date of every answer, so the fault is put where only enrolment meets it.
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("store.server.enrolment._admit", lambda *_: broken())
            answer = client.post(api.ENROLL, json=Pc(client).application("x"))
    assert refusal(answer) == (500, "broken")
    assert "canary" not in answer.text


def test_a_store_that_is_closing_says_so(home: Home, services: Services) -> None:
    with serving(home, services) as client:
        services.writer.close()
        answer = client.post(api.ENROLL, json=Pc(client).application("x"))
    assert refusal(answer) == (503, "closing")
    assert answer.headers["Retry-After"]


# -- the log ------------------------------------------------------------------------------------------------------


def test_the_log_carries_no_secret_token_address_or_content(
    client: httpx.Client,
    secret: Callable[..., str],
    clock: SetClock,
    bundle: Bundle,
    caplog: pytest.LogCaptureFixture,
) -> None:
    made = secret()
    with caplog.at_level(logging.DEBUG):
        pc = Pc(client)
        pc.enrol(made)
        pc.ask_token(clock.seconds)
        recording = pc.open_recording(bundle)
        sealed = recording.seal(b"canary-plaintext")
        pc.put_sealed(sealed)
        pc.put(recording.id, 0, 9, sealed)
        put_policy(pc, HASH, {"files": {"canary.yaml": "canary"}})
        client.post(api.ENROLL, json=pc.application(made) | {"host": 7})
        client.put(f"/v1/recordings/{recording.id}/0/canary", content=b"", headers=pc.bearer)
    told = "\n".join(JsonLines().format(record) for record in caplog.records if record.name.startswith("eyelid"))
    assert told.count('"event": "request"') >= 7
    user = "lovelace"  # which no hexadecimal digits spell: "ada" was in a device's id now and then
    for canary in (made, pc.token, "canary", str(recording.id), "Bearer", "pc-7", user):
        assert canary not in told
    refused = [json.loads(line) for line in told.splitlines() if '"misplaced"' in line]
    assert [(line["route"], line["status"], line["device"]) for line in refused] == [
        (f"PUT {api.RECORDING}", 400, pc.device)
    ]


def test_a_line_of_the_log_is_json_with_its_facts() -> None:
    record = logging.LogRecord("eyelid.store", logging.WARNING, "", 0, "request", (), None)
    record.facts = {"status": 400, "ms": 1.5}
    record.created = 1_800_000_000.0
    assert json.loads(JsonLines().format(record)) == {
        "at": "2027-01-15T08:00:00.000+00:00",
        "level": "warning",
        "event": "request",
        "status": 400,
        "ms": 1.5,
    }
