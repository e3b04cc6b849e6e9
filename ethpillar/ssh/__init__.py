"""The way to a node.

Belongs here: names to sockets, host keys, logging in, channels, running a command, the right to read the journal,
and how long to wait before the next try. It must not know what a session, a subscriber or a browser is.
"""
