"""The consumer's account: what consumption costs, what is left, and what a top-up is worth."""
