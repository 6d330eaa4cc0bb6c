"""Wiring: the supervisor and its children, the only place that knows every part."""
