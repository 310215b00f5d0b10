"""Takes payment events, pays the sellers through a provider, and keeps the books."""
