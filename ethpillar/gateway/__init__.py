"""The browser's side.

Belongs here: Socket.IO events and their payloads, HTTP probes, sockets and what each may do, the WebSocket worker. It
must not know how a node is reached: it acquires a node from the registry and hands it sinks.
"""
