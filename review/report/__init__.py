"""The signed report of a period: what was kept and what was not, and who looked at it."""
