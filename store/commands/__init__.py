"""What the commands of `eyelid-store` do; each module adds its own to the command line and carries them out."""
