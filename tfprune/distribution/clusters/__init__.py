"""Who the workers are, and which of them this is: each source is a module here.

It has `ORDER`, which of several that apply comes first, and
`resolver(environment) -> tf.distribute.cluster_resolver.ClusterResolver | None`, None where the
environment's variables are not of its kind.
"""

import os
import sys

import tensorflow as tf

from tfprune import plugins


def found() -> tf.distribute.cluster_resolver.ClusterResolver | None:
    """Return what the environment says of the workers, None where it says nothing.

    Raises:
        PruningError: what it says cannot be.
    """
    here = sys.modules[__name__]
    sources = [plugins.find(here, name, "source of a cluster") for name in plugins.names(here)]
    for source in sorted(sources, key=lambda source: source.ORDER):
        resolver = source.resolver(os.environ)
        if resolver is not None:
            return resolver
    return None
