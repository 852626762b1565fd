"""Models that come from the official container, and models exported for whoever expects that container's."""
