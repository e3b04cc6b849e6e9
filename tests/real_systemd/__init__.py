"""The server against a real systemd: a Debian that boots in a container, with its journald, sshd, PAM and sudo.

`make test-systemd` runs these; the ordinary run leaves them out, because they need root, Linux and a download.
"""
