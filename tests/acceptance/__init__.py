"""Stories on real parts: a real broker, real processes, real signals."""
