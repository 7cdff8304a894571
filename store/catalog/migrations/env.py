"""Where alembic starts: on the connection that store.catalog.database hands over, inside its transaction."""

from __future__ import annotations

from alembic import context

from store.catalog.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
context.run_migrations()
