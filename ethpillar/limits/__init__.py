"""Pure counting.

Belongs here: token buckets, counts by key, and the addresses they are kept by, with the clock handed in. Nothing here
waits, raises what a client sees, or knows what a socket is.
"""
