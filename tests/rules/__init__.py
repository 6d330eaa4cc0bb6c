"""Tests of the rules: the kinds, the index, rule files and the shipped packs."""
