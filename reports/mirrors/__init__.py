"""A study in the words of other programs, so that people can look at it with what they know.

Each module needs an extra and is loaded by whoever has asked for it.
"""
