"""Auxiliary controllers: switches and proportional controllers of the meter or on the HAN."""
