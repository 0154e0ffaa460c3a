"""typedtrack inside other frameworks: each is run as its users run it."""
