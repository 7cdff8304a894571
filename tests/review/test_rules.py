"""The rules that a signed bundle puts in force: those whose hash was signed, and no others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocol.bundle import Bundle
from protocol.errors import BundleError
from protocol.keys import RecipientPrivate
from protocol.language.errors import MistakesError
from protocol.policyhash import policy_hash
from review.governance.decide import decide
from review.governance.model import Act, Governance, Question
from review.rules import in_force
from tests.review.governance.rules import HEAD, REST, ROLES

FILES = {"a.yaml": f"{HEAD}{ROLES}{REST}notice: We record.\n...\n".encode()}
NONE = Bundle(2, (RecipientPrivate.generate().public,), 1_767_225_600_000_000_000)
BUNDLE = replace(NONE, governance=policy_hash(FILES), notice="We record.")


def test_the_signed_rules_are_in_force_since_they_were_signed() -> None:
    governance = in_force(BUNDLE, FILES)
    assert (governance.hash, governance.revision, governance.signed) == (BUNDLE.governance, 3, BUNDLE.created)
    assert (governance.notice, set(governance.roles)) == (BUNDLE.notice, {"clerk"})


@pytest.mark.parametrize("act", list(Act))
def test_a_bundle_without_governance_grants_nothing(act: Act) -> None:
    governance = in_force(NONE, {})
    assert governance == Governance(signed=NONE.created)
    question = Question(governance.person("ann@x.org"), act, now=NONE.created + 1)
    assert not decide(governance, question).granted


@pytest.mark.parametrize(
    ("signed", "files"),
    [(BUNDLE, {}), (NONE, FILES), (BUNDLE, {"b.yaml": FILES["a.yaml"]}), (BUNDLE, {**FILES, "b.yaml": b""})],
)
def test_other_files_than_the_signed_ones_are_refused(signed: Bundle, files: dict[str, bytes]) -> None:
    with pytest.raises(BundleError) as refused:
        in_force(signed, files)
    assert refused.value.code == "wrong-governance"


def test_signed_rules_whose_own_tests_do_not_hold_are_refused() -> None:
    test = b"tests: [{ who: { role: clerk }, do: play, what: {}, expect: granted }]\n...\n"
    files = {"a.yaml": FILES["a.yaml"].replace(b"...\n", test)}
    with pytest.raises(MistakesError):
        in_force(replace(NONE, governance=policy_hash(files)), files)
