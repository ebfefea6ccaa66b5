"""The experiments: each makes scripts, and turns answers into measures."""
