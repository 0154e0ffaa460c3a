"""One short file per module of the package: what each call does, and what each error says."""
