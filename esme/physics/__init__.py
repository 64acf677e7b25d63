"""What the meter is connected to: mains and house, as models handed in."""
