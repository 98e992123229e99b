"""One file per way in: HTTP, queue, health, timer."""
