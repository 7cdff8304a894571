"""How the catalog's tables came to be, step by step; store.database walks the steps."""
