"""SQL as the queue: claims, retry policy, heartbeats, sweep."""
