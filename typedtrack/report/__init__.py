"""One page to look at: results as a table, plots and parallel coordinates, in one file that needs no network."""
