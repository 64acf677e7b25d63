"""ZCL above the codec: cluster tables, the engine that serves them, command payloads."""
