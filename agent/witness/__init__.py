"""What can say which windows, pages and policies are in force: each witness in a file of its own."""
