"""Targets make a kernel of the chunk interface from a function: passes, printer and engine put together."""
