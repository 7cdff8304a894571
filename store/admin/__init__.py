"""A store's folder, keys and certificates, and the bundles that compliance signs."""
