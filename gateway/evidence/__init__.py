"""Pictures of camera events: masked before they are stored, kept for a time, looked at by few, each look logged."""
