"""How it goes: alarms from counts, the status of the archive, the summary of a run. Pure."""
