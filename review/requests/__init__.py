"""What people ask of a recording that others have to do: a legal hold, an erasure, a correction."""
