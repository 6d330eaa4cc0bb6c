"""Seeded worlds in which everything that can go wrong does, and checkers that say what must hold all the same."""
