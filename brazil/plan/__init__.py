"""From a closure to Steps, and from a Step to its Key; pure."""
