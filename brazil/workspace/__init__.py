"""A workspace: a base revision plus checkouts that shadow its pins."""
