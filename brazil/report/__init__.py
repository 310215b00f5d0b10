"""Results, events and errors as text for people and JSON for programs; the only place that makes sentences."""
