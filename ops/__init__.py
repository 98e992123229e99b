"""Commands for whoever runs the system: `python -m ops`."""
