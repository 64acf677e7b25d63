"""ZCL as GBZ payloads and the HAN both use it: data types, frames, general commands, statuses."""
