"""From scores to keep masks: what is asked for, checked and chosen.

request: the amount and what has to stay; parsing: what is refused before anything is scored;
selecting: `tfprune.select`; selectors: how each kind of scores is turned into masks, found by name.
"""
