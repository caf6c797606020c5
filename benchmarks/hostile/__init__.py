"""Damaged, hostile and mistaken inputs by the hundred: what each of them does to its reader."""
