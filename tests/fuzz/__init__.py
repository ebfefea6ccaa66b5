"""Fuzzing by hand and in small in the tests: many broken inputs, each from its own seed."""
