"""Whether a window or a page fits a rule, and which rules close which lane for it."""
