"""The language: GBCS messages as values, without I/O, clocks or randomness.

Start at :mod:`gbcs.envelope` (a message and its parts), :mod:`gbcs.keys` (who holds which key),
:mod:`gbcs.protection` (MAC, signature, encryption) and :mod:`gbcs.catalogue` (every use case).
"""
