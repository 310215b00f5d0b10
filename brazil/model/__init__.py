"""The values everything else is about; frozen, free of I/O, cheap to import."""
