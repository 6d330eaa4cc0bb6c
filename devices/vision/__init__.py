"""Analytics on pictures: numpy arrays in, readings out; no capture, no files."""
