"""Targets other than a simulator: neuromorphic machines, device models and interchange."""
