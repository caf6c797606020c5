"""Carry keep masks out: copy a model with fewer channels, and prove what it computes.

masks: the refusals; builder: the one copier; masked: the oracle; verification: the proof.
"""
