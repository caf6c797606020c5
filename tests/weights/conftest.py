"""What writes the fixtures needs PyTorch, which the tests do not."""

collect_ignore = ["make_fixtures.py", "torch_twins.py"]
