"""Cameras that the gateway looks at itself: captured and judged in processes of their own, told like any device."""
