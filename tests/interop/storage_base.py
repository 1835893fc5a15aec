"""What the conformance tests of both storage interfaces share: a service, its stubs, times and
ids."""

import tempfile
import time
import unittest
from pathlib import Path

import grpc

import protos
from service import Service

FILES = ("api_v2/model.proto", "storage/v1/storage.proto", "storage/v2/trace_storage.proto",
         "storage/v2/dependency_storage.proto", "storage/v2/capabilities.proto",
         "opentelemetry/proto/collector/trace/v1/trace_service.proto",
         "grpc/reflection/v1/reflection.proto", "tracestore/storage/v1/admin.proto")
NOW_NS = time.time_ns() - 60_000_000_000  # when spans begin: the same in all of a test
HOUR_NS = 3600 * 10**9
LARGE_SPANS = 10_000
SECONDS = 60  # that a call may take


def trace_id(number):
    return (0x0af7651916cd43dd << 64 | number).to_bytes(16, "big")


def span_id(number):
    return number.to_bytes(8, "big")


class StorageTest(unittest.TestCase):
    """One service for all tests of a class; each test has traces and services of its own."""

    command = "all-in-one"
    flags = ()
    protos = None  # set by main()
    program = None

    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix="tracestore-test-")
        cls.addClassCleanup(cls.scratch.cleanup)
        cls.service = Service(cls.program, Path(cls.scratch.name) / "store", *cls.flags,
                              command=cls.command)
        cls.addClassCleanup(cls.service.__exit__)
        cls.channel = cls.connect("remote_storage")
        cls.archive_channel = cls.connect("remote_storage_archive")

    @classmethod
    def connect(cls, port):
        channel = grpc.insecure_channel(f"127.0.0.1:{cls.service.ports[port]}")
        cls.addClassCleanup(channel.close)
        return channel

    def refuses(self, call, code, details=None):
        with self.assertRaises(grpc.RpcError) as caught:
            answer = call()
            for _ in answer if hasattr(answer, "__iter__") else ():
                pass
        self.assertEqual(caught.exception.code(), code, caught.exception)
        if details is not None:
            self.assertEqual(caught.exception.details(), details)

    def time_of(self, ns):
        return self.protos["google.protobuf.Timestamp"](seconds=ns // 10**9, nanos=ns % 10**9)

    def duration_of(self, ns):
        return self.protos["google.protobuf.Duration"](seconds=ns // 10**9, nanos=ns % 10**9)

    def purge(self, channel):
        self.protos.stub(channel, "tracestore.storage.v1.StorageAdmin").Purge(
            self.protos["tracestore.storage.v1.PurgeRequest"](), timeout=SECONDS)

    def health_of(self, service, channel=None):
        check = (channel or self.channel).unary_unary("/grpc.health.v1.Health/Check")
        return check(b"\x0a" + bytes([len(service)]) + service.encode(), timeout=SECONDS)

    def services_of_reflection(self):
        stub = self.protos.stub(self.channel, "grpc.reflection.v1.ServerReflection")
        request = self.protos["grpc.reflection.v1.ServerReflectionRequest"]
        answer = next(iter(stub.ServerReflectionInfo(iter([request(list_services="*")]),
                                                     timeout=SECONDS)))
        return {one.name for one in answer.list_services_response.service}


def main(arguments):
    StorageTest.program = arguments[1]
    StorageTest.protos = protos.Protos(*FILES)
    unittest.main(argv=arguments[:1])
