"""One file a layout, registered by name in `registry`."""
