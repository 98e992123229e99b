"""What the functions host costs, as ratios to named baselines measured in the same run."""
