"""Reproducible measurements of this machine; figures are only worth something beside others of the same run."""
