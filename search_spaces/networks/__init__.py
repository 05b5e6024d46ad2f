"""Plans as torch modules: the only place below training that imports torch."""
