"""Rules, commands, models, ports and errors; imports no Azure package and does no I/O."""
