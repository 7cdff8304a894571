"""Who is at the other end: people, sign-in, sessions (docs/people.md). What they may do, the signed rules say."""
