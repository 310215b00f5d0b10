"""Charges each payment event once and splits it among its sellers."""
