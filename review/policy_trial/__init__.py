"""Trying a pause policy that somebody sent: what it says is judged by a process that can do nothing else."""
