"""Rules judge: when a reading, or its absence, is an alarm; pure."""
