"""Certificate-based key establishment (Key Establishment cluster 0x0800), suites 1 and 2."""
