"""The demo: a simulated node, an embedded Redis, and a terminal view of the real server between them.

Belongs here: all that `make demo` needs and production does not. It knows the server by its wire only: Socket.IO
events, the session's key in Redis, SSH. The tests use the simulated node too, behind a real sshd.
"""
