"""ASN.1 payloads: credentials, joins, device logs, firmware, the gas clock."""
