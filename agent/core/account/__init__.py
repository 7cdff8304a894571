"""The account of a recording: what was kept, what was amiss, what was in view."""
