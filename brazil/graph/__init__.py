"""The graph of pinned packages: order, closures and the invariants of a revision; pure."""
