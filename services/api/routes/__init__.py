"""The addresses. Each route reads the request, calls one thing, and shapes the answer."""
