"""The page of two runs side by side, and the same in the terminal."""
