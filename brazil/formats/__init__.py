"""Text and bytes to model values and back, one module per format."""
