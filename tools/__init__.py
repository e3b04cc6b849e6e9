"""Commands that look at the code itself: who imports whom, where state is kept, what tests notice.

Belongs here: reading source files. Nothing here is imported by the server, and nothing here runs it but `mutants`.
"""
