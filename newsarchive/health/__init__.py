"""How a run went: alarms from counts, the status of the archive, the summary of a run. Pure."""
