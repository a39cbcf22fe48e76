"""OpenAI-compatible endpoints outside the system: which may be asked, and how they are asked. Knows no purpose."""
