"""Pictures of what an electricity meter keeps: voltage periods and half-hour consumption."""
