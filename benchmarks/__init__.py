"""Run by hand, side by side with peers."""
