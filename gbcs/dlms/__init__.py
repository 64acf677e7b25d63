"""DLMS payloads: typed A-XDR data, the three APDUs, selection, protected attributes."""
