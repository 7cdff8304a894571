"""The console's pages: sign in, find recordings, see what became of every second of one (docs/console.md)."""
