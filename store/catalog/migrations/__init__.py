"""How the catalog's tables came to be, step by step; store.catalog.database walks the steps."""
