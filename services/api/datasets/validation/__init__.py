"""Looks at every image of a listing and judges the whole. Pure: no database, no web framework, no object store."""
