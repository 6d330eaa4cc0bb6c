"""One file a time-series engine, each following the journal by its own cursor."""
