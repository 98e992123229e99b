"""The local cloud: one folder per stand-in, `python -m local` starts them all."""
