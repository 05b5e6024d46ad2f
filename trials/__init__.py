"""Measuring choices, and remembering what was measured."""
