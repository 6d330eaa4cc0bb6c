"""Sources that are no broker's: devices and platforms that push to us over HTTP, TCP or UDP."""
