"""Item pipelines, one verb each; their order and the reason for it are in `settings.py`."""
