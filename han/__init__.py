"""Zigbee Smart Energy above the radio, without I/O: frames and moments in, values and frames out.

Where things are: ``radio`` the port; ``node`` one node, with ``endpoint``, ``exchange`` (requests
and how they end), ``outbox``, ``fragmentation``, ``transactions``, ``zdo``; ``zcl`` the engine that
serves cluster tables; ``clusters`` what a cluster has, ``commands`` what its commands carry.

State machines that a node drives (``exchange.Service``): ``tunnel``, ``mirror``, ``cbke``, ``ota``,
``keep_alive``, ``reporter``, ``poll_control``, ``messaging``, ``load_control``.
Rules without messages of their own: ``logs``.
"""
