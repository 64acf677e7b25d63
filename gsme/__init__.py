"""The gas meter: sleepy, half-hourly, keeps its own time."""
