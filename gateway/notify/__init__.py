"""One file a channel: a notice in, an outcome out."""
