"""``python -m tests.torture``: kills, errors and losses of power at each step of the calls on a local disk."""
