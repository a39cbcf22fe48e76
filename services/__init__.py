"""The four services. They never import each other: they meet in a queue message, an object key or HTTP."""
