"""What a model costs: parameters, multiply-accumulates, and the counting of the papers."""
