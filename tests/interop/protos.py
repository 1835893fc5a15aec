"""Messages of our own .proto files, for tests: protoc describes them, protobuf makes the
classes."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

SOURCES = Path(__file__).resolve().parents[2] / "src"
ROOTS = [SOURCES / "codec/jaeger/proto", SOURCES / "codec/otlp/proto",
         SOURCES / "server/reflection/proto", Path(__file__).resolve().parent / "proto"]


def missing():
    """What is needed and isn't there, or None."""
    return None if shutil.which("protoc") else "no protoc: scripts/bootstrap installs it"


class Protos:
    """The messages of `files` and of what they import: protos["jaeger.api_v2.Span"]."""

    def __init__(self, *files):
        with tempfile.TemporaryDirectory(prefix="tracestore-test-") as scratch:
            described = Path(scratch) / "set"
            subprocess.run(["protoc", *[f"-I{root}" for root in ROOTS], "--include_imports",
                            f"--descriptor_set_out={described}", *files], check=True, timeout=60)
            found = descriptor_pb2.FileDescriptorSet.FromString(described.read_bytes())
        self._take(found.file)

    @classmethod
    def of_files(cls, files):
        """The same from descriptions; a file comes after those that it imports."""
        made = cls.__new__(cls)
        made._take(files)
        return made

    def _take(self, files):
        self.pool = descriptor_pool.DescriptorPool()
        for file in files:
            self.pool.Add(file)

    def __getitem__(self, name):
        return message_factory.GetMessageClass(self.pool.FindMessageTypeByName(name))

    def stub(self, channel, service):
        """Callables by method name, as a generated stub has them."""
        return Stub(self, channel, self.pool.FindServiceByName(service))


class Stub:
    def __init__(self, protos, channel, service):
        for method in service.methods:
            make = getattr(channel, "_".join("stream" if many else "unary" for many in (
                method.client_streaming, method.server_streaming)))
            request = protos[method.input_type.full_name]
            response = protos[method.output_type.full_name]
            setattr(self, method.name, make(f"/{service.full_name}/{method.name}",
                                            request_serializer=request.SerializeToString,
                                            response_deserializer=response.FromString))
