"""The rules for values and keys, and the wire format."""
