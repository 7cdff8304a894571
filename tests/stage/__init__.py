"""Real X servers, window managers, compositors and windows for tests, each started and ended by the test itself."""
