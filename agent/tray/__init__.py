"""What the person in front sees of the recorder: an icon, words, a menu; a process of its own."""
