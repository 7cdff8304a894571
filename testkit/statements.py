"""SQLAlchemy compiles each statement once for each engine. Tests open thousands of databases in one process, and most
of what their questions cost was to compile the same statements anew.
"""

from __future__ import annotations

from sqlalchemy import Engine, create_engine
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite


def compiled_once() -> None:
    """From now on all engines of this process on SQLite share what they have compiled."""
    model = create_engine("sqlite://", query_cache_size=4000)
    model.connect().close()  # a dialect is whole once it has met its database
    model.dispose()

    def share(engine: Engine) -> None:
        engine.dialect, engine._compiled_cache = model.dialect, model._compiled_cache

    SQLiteDialect_pysqlite.engine_created = staticmethod(share)  # type: ignore[method-assign]
