"""Gas Proxy Function: the gas meter's values, held awake, each with when and by whose clock it was taken."""
