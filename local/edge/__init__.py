"""Plays the front door: one address for the page and the API."""
