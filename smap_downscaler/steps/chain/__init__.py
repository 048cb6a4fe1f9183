"""The whole chain in one dialog: from raw files to maps, scores, a report and a project."""
