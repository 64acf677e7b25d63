"""Firmware distribution over OTA Upgrade 0x0019: images, the hub's side, the device's side."""
