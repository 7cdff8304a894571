"""Whether a catalog has the tables, indexes and nothing else that the migrations make.

What is in a database besides its rows decides what a question finds: a trigger throws an insert away, an index of
somebody else answers in a table's place, another collation makes two names one. So it is compared when the catalog is
opened. The rows of an index are another matter: `unfitting` reads them all.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final

import sqlalchemy
from sqlalchemy import Column, Connection, MetaData, String, Table, UniqueConstraint, text

from store.catalog.schema import metadata
from store.errors import StoreError

SHAPE: Final = "4332201ca8e187bcc6cd0804f13c4615fc75bb2f7475641a5dac96abafc29967"
"""Of a catalog at database.HEAD; a test compares. To make the same from the schema costs 50 ms, this under one."""

_Part = tuple[str, str, str, str]
"""Type, name, table, and what it is: a row of SQLite's schema."""

_SPACE: Final = re.compile(r"[ \t\r\n]+")
_TABLE: Final = re.compile(r"(CREATE TABLE \w+ )\((.*)\)", re.DOTALL)
_COLUMN: Final = re.compile(r"(?:[^,()]|\([^()]*\))+")
# What ANALYZE writes: it chooses between ways that find the same.
_STATISTICS: Final = {
    ("table", name, name, f"CREATE TABLE {name}({columns})")
    for name, columns in (("sqlite_stat1", "tbl,idx,stat"), ("sqlite_stat4", "tbl,idx,neq,nlt,ndlt,sample"))
}


def check(connection: Connection, what: str) -> None:
    """Raises StoreError for a catalog at the newest revision that has anything more, less or other."""
    sqlite = connection.dialect.name == "sqlite"
    for foreign in _unlike_sqlite(connection) if sqlite else _unlike_postgresql(connection):
        raise StoreError(f"{what} {foreign}, so that nothing in it can be relied on: put it back from a backup")


# -- SQLite -------------------------------------------------------------------------------------------------------


def shape_of(parts: Iterable[_Part]) -> str:
    return hashlib.sha256(json.dumps(sorted(parts)).encode()).hexdigest()


def parts_of(connection: Connection) -> list[_Part]:
    rows = connection.execute(text("select type, name, tbl_name, sql from sqlite_master"))
    parts = ((str(kind), str(name), str(table), _canonical(sql)) for kind, name, table, sql in rows)
    return [part for part in parts if part not in _STATISTICS]


def _canonical(sql: object) -> str:
    """Without what depends on when a column was added: line ends, and the order of a table's columns.

    The parts between a table's commas are compared as they stand, and none of ours has quotation marks that are not
    closed in it: in another order they mean the same.
    """
    if not isinstance(sql, str):
        return repr(sql)
    words = _SPACE.sub(" ", sql)
    table = _TABLE.fullmatch(words)
    columns = _COLUMN.findall(table[2]) if table is not None else []
    if table is None or ",".join(columns) != table[2]:
        return words
    return f"{table[1]}({', '.join(sorted(column.strip(' ') for column in columns))})"


def _unlike_sqlite(connection: Connection) -> Iterator[str]:
    here = parts_of(connection)
    if shape_of(here) == SHAPE:
        return
    found, made = Counter(here), Counter(_made())
    other = {part[:2] for part in found - made} & {part[:2] for part in made - found}
    for kind, name, table, _ in sorted((found - made).elements()):
        if (kind, name) in other:
            yield f"has another {kind} {name!a} than eyelid-store makes"
        else:
            yield f"has the {kind} {name!a} on {table!a}, which no eyelid-store made"
    for kind, name, _, _ in sorted((made - found).elements()):
        yield f"lacks the {kind} {name!a}"


def _made() -> list[_Part]:
    """Of an empty catalog."""
    engine = sqlalchemy.create_engine("sqlite://")
    revision = MetaData()
    Table("alembic_version", revision, Column("version_num", String(32), nullable=False)).append_constraint(
        sqlalchemy.PrimaryKeyConstraint("version_num", name="alembic_version_pkc")
    )
    with engine.begin() as connection:
        metadata.create_all(connection, checkfirst=False)
        revision.create_all(connection, checkfirst=False)
        parts = parts_of(connection)
    engine.dispose()
    return parts


def unfitting(connection: Connection, table: str) -> list[str]:
    """What of a table's rows its indexes do not have, or have otherwise, in SQLite's words. Reads all of them.

    PostgreSQL has no such question without an extension.
    """
    if connection.dialect.name != "sqlite":
        return []
    said = connection.exec_driver_sql(f"PRAGMA integrity_check('{table}')").scalars().all()
    return [] if said == ["ok"] else list(map(str, said))


def size(connection: Connection) -> int:
    """Bytes that `unfitting` of every table reads at most."""
    if connection.dialect.name != "sqlite":
        return 0
    return int(connection.exec_driver_sql("PRAGMA page_count").scalar_one()) * int(
        connection.exec_driver_sql("PRAGMA page_size").scalar_one()
    )


# -- PostgreSQL ---------------------------------------------------------------------------------------------------

_OURS: Final = """
with ours as (
  select c.oid, c.relname, c.relkind, c.relrowsecurity, c.relnamespace from pg_class c
  where c.oid in (select to_regclass(quote_ident(name)) from unnest(cast(:names as text[])) name)
)
"""
_ADDED: Final = """
select 'trigger', t.tgname, o.relname from pg_trigger t join ours o on o.oid = t.tgrelid where not t.tgisinternal
union all select 'rule', r.rulename, o.relname from pg_rewrite r join ours o on o.oid = r.ev_class
union all select 'policy', p.polname, o.relname from pg_policy p join ours o on o.oid = p.polrelid
union all select 'row security', relname, relname from ours where relrowsecurity
union all select 'heir', i.inhrelid::regclass::text, o.relname from pg_inherits i join ours o on o.oid = i.inhparent
union all select 'view or foreign table', relname, relname from ours where relkind <> 'r'
union all select 'table of another schema', relname, relname from ours
  where relnamespace <> (select oid from pg_namespace where nspname = current_schema())
union all select 'collation or expression of column', a.attname, o.relname
  from pg_attribute a join ours o on o.oid = a.attrelid join pg_type t on t.oid = a.atttypid
  where a.attnum > 0 and not a.attisdropped and (a.attcollation <> t.typcollation or a.attgenerated <> '')
order by 1, 2, 3
"""
# An index is plain where it has every row, no expression, the columns' own order and collation, and is in use.
_INDEXES: Final = """
select i.relname, o.relname, x.indisunique,
  x.indisvalid and x.indisready and x.indpred is null and x.indexprs is null and m.amname = 'btree'
  and x.indnkeyatts = x.indnatts
  and not exists (
    select from unnest(x.indkey::int[], x.indcollation::oid[], x.indoption::int[], x.indclass::oid[])
      as k (attnum, collation_oid, option, class)
    join pg_attribute a on a.attrelid = o.oid and a.attnum = k.attnum join pg_opclass c on c.oid = k.class
    where k.collation_oid <> a.attcollation or k.option <> 0 or not c.opcdefault
  ),
  array(
    select cast(a.attname as text) from unnest(x.indkey::int[]) with ordinality as k (attnum, place)
    join pg_attribute a on a.attrelid = o.oid and a.attnum = k.attnum order by k.place
  )
from pg_index x join ours o on o.oid = x.indrelid join pg_class i on i.oid = x.indexrelid
join pg_am m on m.oid = i.relam
"""


def _unlike_postgresql(connection: Connection) -> Iterator[str]:
    names = {"names": [*metadata.tables, "alembic_version"]}
    for kind, name, table in connection.execute(text(_OURS + _ADDED), names):
        yield f"has the {kind} {name!a} on {table!a}, which no eyelid-store made"
    rows: list[Any] = list(connection.execute(text(_OURS + _INDEXES), names))
    found = {(name, table, unique, plain, tuple(columns)) for name, table, unique, plain, columns in rows}
    made = set(_indexes_made())
    for name, table, *_ in sorted(found - made):
        yield f"has the index {name!a} on {table!a}, which no eyelid-store made so"
    for name, table, *_ in sorted(made - found):
        yield f"lacks the index {name!a} on {table!a}"


def _indexes_made() -> Iterator[tuple[str, str, bool, bool, tuple[str, ...]]]:
    yield "alembic_version_pkc", "alembic_version", True, True, ("version_num",)
    for table in metadata.tables.values():
        keys = [one for one in table.constraints if isinstance(one, UniqueConstraint)]
        for unique, several in ((True, [table.primary_key, *keys]), (False, table.indexes)):
            for one in several:
                columns = tuple(column.name for column in one.columns)
                yield str(one.name), table.name, unique, True, columns
