"""`python -m agent` is `eyelid`."""

from agent.cli import main

raise SystemExit(main())
