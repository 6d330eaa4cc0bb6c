"""What ships: the call chains and routes that hold where a site writes none of its own."""
