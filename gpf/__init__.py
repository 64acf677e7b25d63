"""Gas Proxy Function: the gas meter's values, each with when and by whose clock it was taken."""
