"""The nouns: frozen types that travel between services. No behaviour beyond validation."""
