"""Voltage quality: averages on the half hour, excursions, and supply outages."""
