"""The electricity meter (ESME): what it measures, what it keeps, and how it answers over COSEM."""
