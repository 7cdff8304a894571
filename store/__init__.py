"""The central store. The command is `eyelid-store`."""
