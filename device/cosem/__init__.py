"""COSEM server: objects declared as tables over a model, access requests executed item by item.

Nothing here knows a meter.
"""
