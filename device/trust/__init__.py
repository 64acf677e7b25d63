"""Whom a device trusts and what it is itself: trust anchor cells, its own keys, CS02a to CS02g."""
