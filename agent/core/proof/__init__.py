"""All that decides whether a picture or a sound is released."""
