"""Classes, and how their instances become columns: `record`, `key`, and the code that is compiled for them."""
