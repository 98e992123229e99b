"""What clients see while a region dies, comes back, and is drained."""
