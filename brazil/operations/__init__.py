"""One function per user intent; handed its ports, returns a result, never prints."""
