"""Training: images on disk, recipe, one loop, and the proxy that measures a trial."""
