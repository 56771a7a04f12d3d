"""Measurements of netopt itself: what each part costs on this machine, against named rivals."""
