"""Channel ids: what a model's channels are, and which of them live or die together.

analysis runs the ids through a model; keras_private is the one place that knows Keras' private
attributes; rules is the one folder that names layer kinds.
"""
