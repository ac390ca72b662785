"""What lies on disk. The only place that writes."""
