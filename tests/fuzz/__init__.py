"""Every reader of bytes from outside, fed with what nobody sane would send.

An ordinary run takes a hundred inputs or more for each property; `make fuzz` takes tens of thousands. What once broke
something stays as an `@example`.
"""
