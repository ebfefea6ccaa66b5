"""Stress tests of memories: how much one holds, how it fails, what it costs."""
