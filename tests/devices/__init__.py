"""Tests of what hardware says."""
