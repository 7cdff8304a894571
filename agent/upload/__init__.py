"""From the spool to the store: a chunk leaves this PC only against the store's signed receipt for it."""
