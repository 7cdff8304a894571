"""A real store for the custodian to open recordings of; its fixtures are those of the store's own tests."""

from __future__ import annotations

from tests.store.conftest import bundle, client, clock, home, made_home, new_pc, pc, secret, services  # noqa: F401
