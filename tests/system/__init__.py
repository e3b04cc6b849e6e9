"""The real parts together: redis-server, OpenSSH's sshd, the production server, the official JavaScript client."""
