"""Cameras' pictures outside the gateway's own process: decoding and analytics run in a child that may die alone."""
