"""The HTTP contract: `/api/v1`, event stream, personal pages, metrics and the console's files (docs/contracts.md)."""
