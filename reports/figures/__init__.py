"""Figures: what each says is an info, a frozen record; `paper` and `web` draw the same infos."""
