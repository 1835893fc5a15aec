"""The services that have a store and few ports: `query` and `remote-storage` by themselves, and the
plugin that a Jaeger starts. Each finds spans by the ports that it has."""

import json
import os
import subprocess
import tempfile
from pathlib import Path

import grpc

import messages
from target import GRPC_CALLS, PATIENCE, Target, eventually, sanitizers
from service import Child  # in a folder that target.py names

# As suite.SHORT_TIMES, in the words of a file.
SHORT_TIMES = {"read-timeout": "2s", "idle-timeout": "3s", "write-timeout": "2s"}


def get_trace(number):
    return messages.field(1, number.to_bytes(16, "big"))


class QueryTarget(Target):
    """`behind` appends to the store that this one reads."""

    def __init__(self, program, data, *flags):
        self.behind = Target(program, data, command="collector")
        super().__init__(program, data, *flags, command="query")
        self.numbers = self.behind.numbers

    def check_all(self):
        super().check_all()
        number = self.next_number()
        self.append(messages.otlp_protobuf(number))
        eventually("a span of the one that appends", lambda: self.is_kept(number))

    def append(self, body):
        self.behind.call("otlp_grpc", GRPC_CALLS["otlp_grpc"][0], body)


class StorageTarget(Target):
    """`writes`: the port that spans are written to and read from."""

    writes = "remote_storage"

    def is_kept(self, number):
        with self.channel(self.writes) as channel:
            chunks = channel.unary_stream("/jaeger.storage.v1.SpanReaderPlugin/GetTrace")(
                get_trace(number), timeout=PATIENCE)
            try:
                return any(list(chunks))
            except grpc.RpcError as error:
                if error.code() == grpc.StatusCode.NOT_FOUND:
                    return False
                raise


class PluginService(Child):
    """The plugin as a child of this process, which is its host."""

    def __init__(self, plugin, data):
        self.scratch = tempfile.TemporaryDirectory(prefix="tracestore-test-")
        folder = Path(self.scratch.name)
        config = folder / "plugin.yaml"
        config.write_text(json.dumps({"data": str(data), "listeners": SHORT_TIMES}))
        self.log_path = folder / "log"
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [plugin, "--config", config], stdout=subprocess.PIPE, stderr=log, text=True,
                env={**os.environ, **sanitizers(), "STORAGE_PLUGIN": "jaeger",
                     "PLUGIN_UNIX_SOCKET_DIR": self.scratch.name})
        handshake = self.process.stdout.readline()  # 1|1|unix|PATH|grpc
        assert handshake.count("|") >= 4, f"the plugin did not start:\n{self.log()}"
        self.ports = {"plugin": handshake.split("|")[3]}

    def kill(self):
        super().kill()
        self.process.stdout.close()
        self.scratch.cleanup()


class PluginTarget(StorageTarget):
    writes = "plugin"

    def __init__(self, program, data):
        plugin = Path(program).with_name("tracestore-storage-plugin")
        self.adopt(PluginService(plugin, data))

    def check_health(self):
        """What its host asks."""
        eventually("health", lambda: self.call("plugin", "/grpc.health.v1.Health/Check",
                                               messages.field(1, "plugin")) == b"\x08\x01")
