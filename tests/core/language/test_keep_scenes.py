"""`keep_scenes`: who may ask for it, over several files, and that nobody overlooks what is then kept."""

from __future__ import annotations

from agent.core.linting.cautions import cautions
from tests.core.policies import HEAD, mistakes, parsed
from tests.core.policies import RULE as A_RULE

REST = "schema: 1\n"
ASKS = REST + "keep_scenes: true\n"


def test_scenes_are_kept_where_one_file_says_so() -> None:
    assert not parsed(HEAD + A_RULE, REST).keep_scenes
    found = parsed(HEAD + A_RULE, ASKS, ASKS)
    assert found.keep_scenes
    assert found.scenes_where == "b.yaml:2:1"


def test_files_that_contradict_each_other_are_a_mistake() -> None:
    assert mistakes(HEAD + A_RULE + "keep_scenes: false\n", ASKS) == (
        "b.yaml:2:1 keep_scenes is not the same as in a.yaml:9:1, let it stand in one file only",
    )


def test_it_is_true_or_false_and_no_word() -> None:
    assert mistakes(HEAD + A_RULE + "keep_scenes: 'true'\n") == (
        'a.yaml:9:14 keep_scenes cannot be "true", write true or false, without quotes',
    )


def test_what_is_then_kept_is_said_plainly() -> None:
    says = (
        "b.yaml:2:1 titles and whole addresses of everything that is open are kept, also while the eye is closed for "
        "them: sealed, for those who may open the recording; leave the key out to keep none"
    )
    assert [(found.kind.value, str(found)) for found in cautions(parsed(HEAD + A_RULE, ASKS))] == [("scenes", says)]
    assert cautions(parsed(HEAD + A_RULE + "keep_scenes: false\n")) == ()
