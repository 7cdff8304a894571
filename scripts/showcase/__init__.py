"""What people are shown: the demo (`scripts/demo`) and the pictures in the docs (`python -m scripts.showcase.NAME`)."""
