"""Radios that fill the port of ``han.radio``.

EZSP dongles through bellows, the virtual NCP, the in-process ether.

Start with :func:`hw.radio_string.open_radio`. Nothing here is imported before it is asked for.
"""
