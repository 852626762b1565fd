"""Where tables come from, and what is wrong with them before anything reads them in full."""
