"""A page that behaves as the production dashboard does, in a real Chromium: what it shows when something goes wrong.

`python -m tests.page` writes docs/what-the-page-shows.md with its pictures; the tests wait for the same end states.
"""
