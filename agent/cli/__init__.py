"""The command `eyelid`, one module for each kind of thing that one asks of it."""
