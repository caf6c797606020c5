"""FP-FMC (feature-map clustering) step by step, one file each.

embedding: maps as points; outliers; kmeans and silhouette: clusters and their number; redundancy:
the index; images: the images, and what is done for each; steps: all of it, layer by layer; cache:
what is kept between runs; fingerprint: what it is kept for.
"""
