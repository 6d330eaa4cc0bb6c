"""Devices understand: what hardware says, turned into readings, without touching a clock or a socket."""
