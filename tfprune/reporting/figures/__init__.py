"""Pictures of what a network does and what pruning took: each function returns a figure.

They are matplotlib's (`pip install "tfprune[report]"`), one file each, and write nothing:
`figure.savefig("heat.png")` does.
"""
