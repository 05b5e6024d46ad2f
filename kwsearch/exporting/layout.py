"""What the files of an export are called."""

CONFIG = "config.json"
"""The `NetworkConfig`."""

BACKBONE = "backbone.json"
"""The table that the configuration is planned on."""

COUNTS = "counts.json"
"""What the network costs, with every warehouse and site."""

ORIGIN = "origin.json"
"""Study and trial, what was measured, and the digest of the network."""

UPSTREAM = "upstream.json"
"""The authors' settings for the same network, where they can express it."""

IMAGES = "pretrained_cfg.json"
"""How images are made ready for the network, in timm's words."""

RECIPE = "recipe.toml"
"""How `kwsearch train` trains the network to the end."""

WEIGHTS = "model.safetensors"
"""The trial's weights, where they are kept."""

RESULTS = "results.json"
"""In a folder that `kwsearch train` wrote: what its training reached."""

CHECKPOINTS = "checkpoints"
"""In such a folder while the training lasts: what it goes on from."""

ONNX = "model.onnx"
"""The network as a graph, where it was asked for."""

CARD = "README.md"
"""The model card."""

CHECKSUMS = "checksums.sha256"
"""SHA-256 of every other file."""

LADDER = "ladder.json"
"""In a folder of exports: which rung holds which trial."""
