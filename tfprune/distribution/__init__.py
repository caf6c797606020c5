"""Several devices, processes and machines: who works, by which strategy, and what all agree on.

strategies says where a program computes, clusters who the workers are, workers what the chief
tells the others.
"""
