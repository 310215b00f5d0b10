"""Runs one Action so that only its inputs are visible, with Linux namespaces set up by bubblewrap."""
