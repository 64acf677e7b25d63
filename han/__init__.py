"""Zigbee Smart Energy above the radio: octets and moments in, values, octets and deadlines out."""
