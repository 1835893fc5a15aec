"""Connections to where a service listens: a port of this machine, or the path of a unix socket."""

import socket


def new_socket(where):
    return socket.socket(socket.AF_UNIX if isinstance(where, str) else socket.AF_INET)


def address(where):
    return where if isinstance(where, str) else ("127.0.0.1", where)


def dial(where, timeout):
    connection = new_socket(where)
    connection.settimeout(timeout)
    try:
        connection.connect(address(where))
    except OSError:
        connection.close()
        raise
    return connection


def of_grpc(where):
    """What a client of gRPC calls it."""
    return f"unix:{where}" if isinstance(where, str) else f"127.0.0.1:{where}"
