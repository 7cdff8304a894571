"""What the store knows: the catalog's tables, questions and one writer, and the folder of sealed bytes beside it."""
