"""The one process that opens recordings: it decides by signed rules and facts that it verified (docs/custodian.md)."""
