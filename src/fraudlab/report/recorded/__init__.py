"""What a run folder has recorded, read once for every page, and what several pages draw of it."""
