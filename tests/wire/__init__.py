"""Another reader and writer of the wire format, in JavaScript."""
