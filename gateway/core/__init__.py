"""Decides: what happened goes in, what should be done comes out; pure, clock-free, deterministic."""
