"""The simulator: what it says, what it claims to have said, and what a gateway makes of it."""
