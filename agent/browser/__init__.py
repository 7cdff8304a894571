"""What runs inside and beside the browsers: the extension, the relay that a browser starts, and how both get there."""
