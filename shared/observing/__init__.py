"""Figures for Prometheus and spans for OpenTelemetry. Knows no service, no SQL and no model."""
