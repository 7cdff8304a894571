"""Random worlds, rights, queries and erasures: the index finds, counts and covers what going through all words does."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from review.search.words.model import Channel, Document, Found, Reach, Recording, Rendition, Rights, Wanted
from review.search.words.shards import Shards
from tests.review.search.words.worlds import BEGAN, DAY, Ask, Both, Near, Phrase, Word, World, passages, plain_words

KEY = bytes(range(32))
WORDS = ["Kündigung", "kündigen", "Straße", "strasse", "Müller", "E-Mail", "4711", "3,50", "fonds", "und", "café", "Öl"]
SINGLE = [word for word in WORDS if word not in {"E-Mail", "3,50"}]

word = st.sampled_from(WORDS)
recordings = st.builds(
    Recording,
    id=st.sampled_from([f"r{number}" for number in range(6)]),
    began=st.integers(0, 60).map(lambda days: BEGAN + days * DAY),
    length=st.just(60_000),
    whose=st.sampled_from(["north", "south", "east"]),
    agent=st.sampled_from(["anna", "ben"]),
)
texts = st.lists(st.lists(word, min_size=1, max_size=8).map(" ".join), max_size=4)
documents = st.builds(
    Document,
    recordings,
    st.sampled_from(Rendition),
    st.sampled_from(Channel),
    st.sampled_from(["1", "2"]),
    texts.map(lambda said: passages(said, 2_500)),
)
asks: st.SearchStrategy[Ask] = st.recursive(
    st.one_of(
        st.builds(Word, word),
        st.builds(Word, st.sampled_from(["kündig", "fon", "471", "E-Mai", "MÜLL"]), st.just(True)),
        st.builds(Phrase, st.lists(word, min_size=1, max_size=3).map(tuple)),
        st.builds(Near, st.sampled_from(SINGLE), st.sampled_from(SINGLE), st.integers(1, 5)).filter(
            lambda near: plain_words(near.one) != plain_words(near.other)  # else FTS5 takes one word for both
        ),
    ),
    lambda inner: st.builds(Both, inner, inner, st.sampled_from(["AND", "OR", "NOT"])),
    max_leaves=4,
)
reaches = st.builds(
    Reach,
    st.none() | st.frozensets(st.sampled_from(["north", "south", "east", "nowhere"]), max_size=3),
    st.integers(-1, 61).map(lambda days: BEGAN + days * DAY),
    st.frozensets(st.sampled_from(Rendition)),
)
seconds = st.none() | st.integers(1, 60)
wants = st.builds(
    Wanted,
    rendition=st.sampled_from(Rendition),
    channels=st.frozensets(st.sampled_from(Channel), min_size=1),
    agent=st.sampled_from(["", "", "anna", "carl"]),
    since=st.just(0) | st.integers(-1, 61).map(lambda days: BEGAN + days * DAY),
    until=st.just(2**63 - 1) | st.integers(-1, 61).map(lambda days: BEGAN + days * DAY),
    first=seconds,
    last=seconds,
)
steps = st.lists(
    st.one_of(documents, documents, documents, recordings, st.sampled_from([f"r{number}" for number in range(6)])),
    max_size=25,
)


@settings(deadline=None, max_examples=40)
@given(steps, st.lists(st.tuples(asks, st.lists(reaches, max_size=3), wants), min_size=1, max_size=8))
def test_it_finds_what_is_there_and_may_be_seen(
    steps: list[Document | Recording | str], asked: list[tuple[Ask, Rights, Wanted]]
) -> None:
    with tempfile.TemporaryDirectory() as folder, Shards(Path(folder), KEY) as shards:
        world = World()
        for step in steps:
            if isinstance(step, str):
                shards.forget(step)
                world.forget(step)
            elif isinstance(step, Recording):
                shards.expect([world.known.get(step.id, step)])
                world.expect(step)
            elif step.recording.id not in world.gone:
                of = world.known.get(step.recording.id, step.recording)
                one = Document(of, step.rendition, step.channel, step.version, step.passages)
                assert shards.add([one]) == world.add(one)
        for ask, rights, wanted in asked:
            found = shards.search(str(ask), rights, wanted)
            should = world.found(ask, rights, wanted)
            assert found.count == len(should)
            assert sorted(_seen(found)) == sorted((r, c) for r, c, _ in should)[: len(found.hits)] or len(should) > 20
            assert (found.coverage.indexed, found.coverage.missing) == world.coverage(rights, wanted)
            assert not found.coverage.unread
            assert [hit.began for hit in found.hits] == sorted((hit.began for hit in found.hits), reverse=True)
            texts = {(r, c): {t for a, b, t in should if (a, b) == (r, c)} for r, c, _ in should}
            for hit in found.hits:
                assert hit.snippet in texts[hit.recording, hit.channel]
                assert hit.marked


def _seen(found: Found) -> list[tuple[str, Channel]]:
    return [(hit.recording, hit.channel) for hit in found.hits]
