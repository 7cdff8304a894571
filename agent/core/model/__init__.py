"""What was seen, what the policy says, what is recorded: plain values, below all else."""
