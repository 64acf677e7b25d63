"""Messages explained: one annotated tree of every field, with offsets, names and verdicts."""

from gbcs.explain.message import explain, explain_block
from gbcs.explain.node import Node

__all__ = ["Node", "explain", "explain_block"]
