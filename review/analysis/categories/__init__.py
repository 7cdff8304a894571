"""Categories of calls: rules that people write as YAML, with tests, on what was said and when."""
