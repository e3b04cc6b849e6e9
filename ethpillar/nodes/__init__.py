"""A watched node, shared by all sockets of its session.

Belongs here: the registry of nodes, a node with its connection and its reconnecting, the log feed of a unit and its
subscribers, and the status feed. It must not know what Socket.IO is: it sees a `LogSink` and a `StatusSink`, and
whoever wires the rooms gives it the functions that encode an entry and a status update.

Ownership: the registry owns nodes; a node owns its connections and feeds; a feed owns its follower; a subscription
owns its greenlet. Whoever opens closes.
"""
