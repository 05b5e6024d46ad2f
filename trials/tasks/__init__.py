"""What measures a trial: one package a kind of task."""
