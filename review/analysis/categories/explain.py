"""Why a call has a category, or what it would need: in words that follow its name, with the time of each hit."""

from __future__ import annotations

from review.analysis.categories.match import Because, Found
from review.analysis.categories.model import Category
from review.analysis.categories.sentences import in_words
from review.analysis.hints import clock


def explain(category: Category, found: Found, start_ns: int = 0) -> tuple[str, ...]:
    """`start_ns`: of the call; times are counted from there."""
    if found.holds:
        return tuple(_timed(because, start_ns) for because in found.because)
    missing = ", which a missing channel would decide" if found.holds is None else ""
    return (f"needs {in_words(category.condition)}{missing}",)


def _timed(because: Because, start_ns: int) -> str:
    if because.span is None:
        return because.says
    return f"{clock(because.span.start_ns - start_ns)} {because.says}"
