"""Measurements of the Cosmos DB stand-in."""
