"""A multi-region, multi-write Cosmos DB for NoSQL account on one machine, as far as the SDKs can tell."""
