"""What can be said about a policy: cautions, coverage, differences, explanations, replays."""
