"""A reproducible build system for software that lives in many small repositories."""

# A constant, because asking importlib.metadata costs 33 ms at every start.
__version__ = "0.1.0"
