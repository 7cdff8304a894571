"""`python -m agent` is `eyelid`."""

from agent.cli.main import main

raise SystemExit(main())
