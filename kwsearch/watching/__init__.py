"""Looking at a study while it is searched: a page in the browser, fed from the database.

Nothing is read before a browser asks, and never so often that looking would slow the search.
"""
