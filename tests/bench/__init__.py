"""Benchmarks: `make bench`. Times are ratios to a named reference in the same run; machines are noisy."""
