"""Carrying out a Plan, written against ports."""
