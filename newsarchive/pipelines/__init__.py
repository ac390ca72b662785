"""Item pipelines, one verb each; their order and its reason stand in `settings.py`."""
