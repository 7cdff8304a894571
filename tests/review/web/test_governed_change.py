"""What the page of the rules says once other rules are in force: in a console of its own, as they stay in force."""

from __future__ import annotations

from protocol.policyhash import policy_hash
from review.web import bundles, trials
from testkit.lifecycle import govern
from testkit.reading_room import RULES
from tests.review.web.conftest import Served
from tests.review.web.test_governed import WIDER, shown


def test_what_changed_with_the_newest_bundle(served: Served) -> None:
    with served.client("cleo") as client:
        text = shown(client.get("/rules").text)
        assert policy_hash({"0.yaml": RULES.encode()}) in text
        assert "lead:" in text
        file = govern(served.room.world.home, WIDER)
        text = shown(client.get("/rules").text)
    assert "lead covers all recordings (before: those of one's own teams)" in text
    assert "class rest keeps 30 days (before: 180 days)" in text
    assert "Deletes sooner" in text
    home = served.room.world.home
    with served.console.catalog.reading() as connection:
        here, before = bundles.newest(connection, home.key("compliance").id)
        assert bundles.newest(connection, "f" * 43)[0].wrong
    assert here.revision == before.revision + 1
    assert trials.files_in({"new.bundle": file}, home.key("compliance").id) == here.rules
    assert bundles.policy_changed(before, here).same
