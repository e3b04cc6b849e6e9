"""A bare machine: the commands that README promises, on a Debian with python3, python3-venv, make and git only.

`python -m tests.bare` is `make test-bare`.
"""
