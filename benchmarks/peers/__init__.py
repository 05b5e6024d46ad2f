"""Samplers of other projects behind thin adapters, for `benchmarks/samplers.py` alone.

Each adapter chooses among the networks of a recorded table and says what is to be trained; what
epochs cost, and what is gained, is worked out by `samplers.Replay` for all of them alike. Packages
are those of the extra ``bench``, and for NePS, which needs other versions than this project, those
of an environment of its own (`peers.primo`).
"""
