"""How long recordings are kept, who holds them, and how they are erased so that a stranger can check it."""
