"""A Socket.IO socket.

Belongs here: events and what each of them does, its turn, its outbox, payloads on the wire, and which
tokens open a socket.
It must not know how a node is reached: it acquires a node from the registry and hands it sinks.
"""
