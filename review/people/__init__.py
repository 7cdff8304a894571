"""Who is at the other end: accounts, sign-in, sessions (docs/people.md). What they may do, the signed rules say."""
