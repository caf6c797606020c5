"""Opening: composite layers and subclassed models as the graph of stock layers within.

A model's `call` is run on symbolic tensors (tracing); what it calls down to layers with a rule is
noted, and copied into a functional model of its own (opened).
"""
