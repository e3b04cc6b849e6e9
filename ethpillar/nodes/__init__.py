"""A watched node, shared by all sockets of its session.

Belongs here: the registry of nodes; a node with its link, its rights, its log feeds and its states; the subscribers of
each. It must not know what Socket.IO is: it sees a `LogSink` and a `StatusSink`, and is given the functions that encode
an entry and a status update.

Ownership: the registry owns nodes; a node owns its connections and feeds; a feed owns its follower; a subscription
owns its greenlet. Each closes what it has opened.
"""
