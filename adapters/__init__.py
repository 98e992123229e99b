"""One file per outside service, each fulfilling a port of the domain."""
