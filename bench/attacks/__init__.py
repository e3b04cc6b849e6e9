"""What one tenant can do to all others: `make bench-hostile`.

`__main__` runs each attack of `node` and `browser` against the production command, and has the bars; `world` has the
parts, and a victim that only wants its acks.
"""
