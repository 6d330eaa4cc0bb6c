"""One file a city-platform contract."""
