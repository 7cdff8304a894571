"""The marks against a display that may hold anything back: whatever it does, a tab counts as painted only once nothing
sensitive of it is on the display.

The model knows neither looks nor proofs. A document has what it holds now and what the display has of it, its surface,
which follows when the model likes. A surface embeds the surfaces of the frames inside as they are. A view transition
keeps a picture of all that was on the display in it, over whatever is drawn beneath.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.core.model.marks import Sighted
from agent.core.model.rules import Reason
from agent.core.model.seen import BROWSERS, BrowserWindow, Browsing, Document, Look, Page, PageEvent, Tab
from agent.core.proof.marks import ASK_AGAIN_AT_MOST, Marks
from tests.core.proof.desk import PLACE

CARDS = Reason("cards", 0)
TOP, LEFT, RIGHT, INNER = 0, 1, 2, 3
PARENTS = {TOP: -1, LEFT: TOP, RIGHT: TOP, INNER: LEFT}

Things = frozenset[tuple[str, int]]  # ("secret", document) and ("mark", number)


@dataclass
class Surface:
    """What the display has of a document. `held`: an old picture in it, of a view transition."""

    own: Things = frozenset()
    held: Things = frozenset()
    inside: tuple[Surface, ...] = ()

    def shows(self) -> Things:
        return self.own | self.held | frozenset().union(*(one.shows() for one in self.inside))


@dataclass
class Doc:
    id: int
    secret: bool = False
    mark: int | None = None
    held: Things | None = None  # while a view transition runs
    wanted: int | None = None  # the mark that it has been asked for, put in when no transition runs
    there: bool = True
    surface: Surface = field(default_factory=Surface)


class Tree:
    """One tab on its display, and the agent's marks. Each act is a moment later."""

    def __init__(self) -> None:
        self.now = 1
        self.docs = {number: Doc(number) for number in PARENTS}
        for number in reversed(PARENTS):
            self.commit(number)
        self.marks = Marks(count(100))
        self.marks.judge_with(lambda page: (CARDS,) if "cc-number" in page.fields else (), self.now)
        self.asked: list[dict[int, int]] = []  # requests on their way to the documents

    # -- the page and its display ---------------------------------------------------------------------------------

    def inside(self, number: int) -> list[Doc]:
        return [doc for doc in self.docs.values() if PARENTS[doc.id] == number and self.is_there(doc.id)]

    def is_there(self, number: int) -> bool:
        return number == -1 or (self.docs[number].there and self.is_there(PARENTS[number]))

    def commit(self, number: int) -> None:
        """The display catches up with the document, but not with those inside."""
        doc = self.docs[number]
        own = {("secret", number)} if doc.secret else set()
        own |= set() if doc.mark is None else {("mark", doc.mark)}
        doc.surface.own, doc.surface.held = frozenset(own), doc.held or frozenset()
        doc.surface.inside = tuple(one.surface for one in self.inside(number))

    def appear(self, number: int) -> None:
        self.docs[number].secret = True
        self.tell(number)

    def leave(self, number: int) -> None:
        self.docs[number].secret = False

    def navigate(self, number: int) -> None:
        """Another document, clean, in the same frame; its surface stays until it commits."""
        self.docs[number].secret, self.docs[number].mark, self.docs[number].wanted = False, None, None
        self.docs[number].held = None

    def remove(self, number: int) -> None:
        if number != TOP:
            self.docs[number].there = False

    def insert(self, number: int) -> None:
        """A new frame under the same number never comes back in a browser: the model only lets it be empty."""
        if not self.docs[number].there:
            self.docs[number] = Doc(number)

    def begin_transition(self, number: int) -> None:
        self.docs[number].held = self.docs[number].surface.shows()

    def end_transition(self, number: int) -> None:
        self.docs[number].held = None

    def tell(self, number: int) -> None:
        page = Page((f"https://{number}.example/",), frozenset({"cc-number"}))
        self.marks.page_event(PageEvent(BROWSERS, self.now, page, "c", 1, number))

    # -- the agent ------------------------------------------------------------------------------------------------

    def request(self, _: int) -> None:
        self.asked += [dict(request.marks) for request in self.marks.requests(self.now)]

    def deliver(self, _: int) -> None:
        if self.asked:
            marks = self.asked.pop(0)
            for doc in self.docs.values():
                doc.wanted = marks.get(doc.id)
                if doc.wanted is None:
                    doc.mark = None

    def put_in(self, number: int) -> None:
        doc = self.docs[number]
        if doc.held is None and doc.wanted is not None and self.is_there(number):
            doc.mark = doc.wanted

    def grab(self, _: int) -> None:
        shown = {number for what, number in self.docs[TOP].surface.shows() if what == "mark"}
        if found := self.marks.sought & shown:
            self.marks.sighted(Sighted(frozenset(found), self.now))

    def look(self, _: int) -> None:
        present = [doc for doc in self.docs.values() if self.is_there(doc.id)]
        documents = tuple(
            Document(
                doc.id,
                PARENTS[doc.id],
                Page((f"https://{doc.id}.example/",), frozenset({"cc-number"} if doc.secret else ())),
            )
            for doc in present
        )
        fields = frozenset({"cc-number"} if any(doc.secret for doc in present) else ())
        page = Page(tuple(document.page.urls[0] for document in documents), fields)
        tab = Tab(1, page, visible=True, documents=documents)
        window = BrowserWindow("c", 20, 1, "Shop", PLACE, False, (tab,))
        look = self.marks.take(Look(BROWSERS, self.now, self.now, "now", Browsing((window,))))
        assert isinstance(look.seen, Browsing)
        self.painted = look.seen.windows[0].tabs[0].painted
        if self.painted and not fields:
            secrets = {number for what, number in self.docs[TOP].surface.shows() if what == "secret"}
            assert not secrets

    def ask(self, number: int) -> None:
        """A look, and all that follows from it reaches the documents."""
        self.look(number)
        self.request(number)
        while self.asked:
            self.deliver(number)

    def show(self, number: int) -> None:
        self.put_in(number)
        self.commit(number)

    def act(self, what: str, number: int) -> None:
        self.now += 1
        getattr(self, what)(number)


ACTS = (
    *("appear", "leave", "leave", "navigate", "remove", "insert"),
    *("begin_transition", "end_transition") * 2,
    *("request", "deliver", "put_in", "look"),
    *("ask", "show", "show", "commit", "grab") * 2,
)
acts = st.lists(st.tuples(st.sampled_from(ACTS), st.sampled_from(list(PARENTS))), min_size=30, max_size=90)


@pytest.mark.slow(reason="a hundred histories of up to ninety steps")
@settings(max_examples=100)
@given(acts)
def test_painted_is_only_what_the_display_shows_nothing_sensitive_of(played: list[tuple[str, int]]) -> None:
    tree = Tree()
    for what, number in played:
        tree.act(what, number)


after_a_form = st.lists(
    st.sampled_from(
        [
            *[("show", number) for number in (TOP, LEFT, INNER)],
            *[(what, number) for what in ("begin_transition", "end_transition") for number in (TOP, LEFT)],
            *[("grab", TOP), ("ask", TOP)] * 2,
        ]
    ),
    min_size=40,
    max_size=120,
)


@settings(max_examples=75)
@given(after_a_form)
def test_no_old_picture_of_a_form_inside_passes_for_the_new_one(played: list[tuple[str, int]]) -> None:
    """What the acts above seldom come to: an ancestor begins to hold its old picture while marks are asked."""
    tree = Tree()
    form = [("appear", INNER), ("commit", INNER), ("look", TOP), ("leave", INNER), ("ask", TOP)]
    for what, number in [*form, *played, ("grab", TOP), ("look", TOP)]:
        tree.act(what, number)


@settings(max_examples=50)
@given(acts)
def test_a_display_that_catches_up_is_believed_in_the_end(played: list[tuple[str, int]]) -> None:
    tree = Tree()
    for what, number in played:
        tree.act(what, number)
    for number in PARENTS:
        tree.act("leave", number)
        tree.act("end_transition", number)
    for _ in range(2 + 2 * len(PARENTS)):
        tree.now += ASK_AGAIN_AT_MOST  # a document that came after it was asked is asked once more
        for what in ("look", "request", *["deliver"] * len(tree.asked), "deliver"):
            tree.act(what, TOP)
        for number in reversed(PARENTS):
            tree.act("put_in", number)
            tree.act("commit", number)
        tree.act("grab", TOP)
    tree.act("look", TOP)
    assert tree.painted
