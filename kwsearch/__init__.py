"""How far a ConvNet can go inside a parameter budget."""
