"""Forks functions hosts from a process that has imported everything: importing is most of a short test's time.

Speaks over a Unix socket: one connection for each host. In: JSON of arguments, environment and folder, with the ends of
two pipes for stdout and stderr. Out: the host's pid, and its exit code when it has ended.
"""

import json
import os
import signal
import socket
import sys
import traceback

import local.functions_host.__main__ as program
import local.functions_host.hub_listener
import local.functions_host.timers  # noqa: F401 - imported for the hosts to come


def _become_host(order: dict[str, object], descriptors: list[int]) -> None:
    """Never returns."""
    code = 1
    try:
        os.dup2(descriptors[0], 1)
        os.dup2(descriptors[1], 2)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.environ.clear()
        os.environ.update(order["environ"])  # type: ignore[call-overload]
        os.chdir(str(order["folder"]))
        sys.argv = ["python -m local.functions_host", *order["arguments"]]  # type: ignore[misc]
        program.main()
        code = 0
    except SystemExit as leaving:
        code = int(leaving.code or 0)
    finally:
        if sys.exc_info()[0] is not None:
            traceback.print_exc()
        os._exit(code)


def _supervise(connection: socket.socket) -> None:
    """Start one host and report how it ended; never returns."""
    data, descriptors, _, _ = socket.recv_fds(connection, 1 << 20, 2)
    pid = os.fork()
    if pid == 0:
        connection.close()
        _become_host(json.loads(data), descriptors)
    for descriptor in descriptors:
        os.close(descriptor)
    connection.sendall(f"{pid}\n".encode())
    _, status = os.waitpid(pid, 0)
    connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def main() -> None:
    """Serve until killed."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(sys.argv[1])
    server.listen(64)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print(f"ready: {sys.argv[1]}", flush=True)
    while True:
        connection, _ = server.accept()
        if os.fork() == 0:
            server.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _supervise(connection)
        connection.close()


if __name__ == "__main__":
    main()
