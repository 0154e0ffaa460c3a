"""Rules as Hypothesis properties, and every tracker as a state machine against a plain dict."""
