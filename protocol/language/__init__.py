"""A language of files that people write: YAML with places, every mistake at its place, the schema for editors."""
