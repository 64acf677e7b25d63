"""Tariff registers, and the switching table that says which of them counts."""
