"""Makes record classes in four languages from one schema."""
