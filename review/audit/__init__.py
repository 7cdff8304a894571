"""The audit log: every act of a person, in a log that proves that nothing in it was changed (docs/audit-log.md)."""
