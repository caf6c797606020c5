"""Tests of tfprune.reconstruction."""
