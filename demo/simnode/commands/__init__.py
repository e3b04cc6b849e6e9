"""What runs on the simulated node. It is loaded without the rest of the project, so it imports nothing of it, and
little of the standard library: every command pays for its imports."""
