"""Records and typed keys: classes that are declared, and how their instances become columns, text and bytes."""
