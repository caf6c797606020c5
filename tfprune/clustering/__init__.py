"""FP-FMC (feature-map clustering) step by step, one file each.

maps and embedding: maps as points; outliers; kmeans and silhouette: clusters and their number;
redundancy: the index; images: the steps of one image; cache: what is kept between runs.
"""
