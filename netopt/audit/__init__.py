"""The audit plays a run once and lets independent witnesses testify to what crossed every edge.

The ledger counts where frames leave and arrive; the MPI library, or the transport beneath it,
counts the messages that it was given; the kernel counts the packets on the interface of each edge.
Each witness is a module of its own; ``_verdict`` compares what they say.
"""
