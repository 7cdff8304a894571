"""The people's side: who may see recordings, how long they are kept, and who did what."""
