"""Models that come from the official container, and models that go where its are expected."""
