"""Tariffs as Publish commands bring them: kept as published, priced by calendar, served again."""
