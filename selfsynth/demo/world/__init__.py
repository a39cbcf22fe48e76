"""Drawn birds whose every part can be hidden: twelve fictional species, their images, and the truth about them."""
