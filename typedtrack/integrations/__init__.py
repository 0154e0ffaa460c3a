"""typedtrack inside other frameworks: one module each, which imports only that framework's interface."""
