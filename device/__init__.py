"""The chassis every emulated device shares: commands, credentials, clock, logs, store, time."""
