"""Saying what a study found. Neither torch nor ray is imported here."""
