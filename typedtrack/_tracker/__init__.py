"""Every call of a tracker, over the four byte primitives that a backend implements."""
