"""A dongle in software.

An EZSP network co-processor on the ether, for bellows or anything else that speaks EZSP.
"""
