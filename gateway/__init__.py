"""The gateway acts: connections, the journal, people and platforms around a pure core."""
