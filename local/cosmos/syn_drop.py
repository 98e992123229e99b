"""A port that neither accepts nor refuses: its backlog is full, so the kernel drops every SYN."""

import socket

_HOST = "127.0.0.1"
_FILLERS = 4


class SynDrop:
    """Holds the port until closed."""

    def __init__(self, port: int) -> None:
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((_HOST, port))
        self._listener.listen(0)
        self._fillers: list[socket.socket] = []
        for _ in range(_FILLERS):
            filler = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            filler.setblocking(False)
            filler.connect_ex((_HOST, port))
            self._fillers.append(filler)

    def close(self) -> None:
        """Give the port free."""
        for filler in self._fillers:
            filler.close()
        self._listener.close()
