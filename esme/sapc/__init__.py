"""A standalone auxiliary proportional controller (SAPC): a meter's controllers without a meter."""
