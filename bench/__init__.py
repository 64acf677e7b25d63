"""The composition root: rig file, home, WAN gateways, demos, conformance and the command line."""
