"""An HTTP connection until it is a message.

Belongs here: the gunicorn worker, request heads and bodies, WebSocket frames, which requests are Engine.IO's, response
headers, and probes. It must not know what a session, a node or an event is.
"""
