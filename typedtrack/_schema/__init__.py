"""A record without its class: fields, names, and the JSON Schema documents that describe it."""
