"""Zigbee Device Objects (profile 0x0000, endpoint 0): what a node answers, and how it asks."""
