"""The past of a journal, page by page.

Belongs here: what a question about the past is, which of the entries answer it, which journalctl has to be asked next,
and what a page of the answer says. It does no I/O and knows no greenlets: it is fed entries and a clock.
"""
