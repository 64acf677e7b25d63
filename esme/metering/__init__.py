"""Energy: registers that integrate without drift, and the logs that follow from them."""
