"""What may be stored, and its bytes: values, keys, the wire format."""
