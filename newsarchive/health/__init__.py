"""How runs went and what the archive holds: alarms, status, metrics, a page of charts."""
