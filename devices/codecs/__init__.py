"""One file a device family: messages in, readings out."""
