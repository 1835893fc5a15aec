"""Jaeger 1.x's storage interface, jaeger.storage.v1, called by gRPC's own client for Python as
Jaeger calls it: what a storage back end has to get right.

Usage: storage_v1_test.py PROGRAM
Exit 77 (skipped) where something isn't installed, but not in CI
"""

import os
import sys
import urllib.request

try:
    import grpc
    import protos
    from storage_base import (HOUR_NS, LARGE_SPANS, NOW_NS, SECONDS, StorageTest, main, span_id,
                              trace_id)
except ImportError as error:
    print(f"storage_v1_test: not run: {error} (scripts/bootstrap makes .venv with it)")
    sys.exit(1 if os.environ.get("CI") == "true" else 77)

STRING, BOOL, INT64, FLOAT64, BINARY = range(5)
CODE = grpc.StatusCode
GO_ZERO = -62_135_596_800  # seconds of the time that a Go client sends for none


class V1(StorageTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.reader = cls.stub("SpanReaderPlugin")
        cls.writer = cls.stub("SpanWriterPlugin")
        cls.streaming = cls.stub("StreamingSpanWriterPlugin")

    @classmethod
    def stub(cls, service, channel=None):
        return cls.protos.stub(channel or cls.channel, f"jaeger.storage.v1.{service}")

    def message(self, name, **fields):
        return self.protos[f"jaeger.storage.v1.{name}"](**fields)

    def tag(self, key, value):
        kinds = {str: (STRING, "v_str"), bool: (BOOL, "v_bool"), int: (INT64, "v_int64"),
                 float: (FLOAT64, "v_float64"), bytes: (BINARY, "v_binary")}
        kind, field = kinds[type(value)]
        return self.protos["jaeger.api_v2.KeyValue"](key=key, v_type=kind, **{field: value})

    def tags(self, values):
        return [self.tag(key, value) for key, value in values.items()]

    def span(self, trace, number, service, name="op", start=NOW_NS, duration=5_000_000, tags=(),
             process=(), logs=(), parent=None, **more):
        model = "jaeger.api_v2."
        references = [] if parent is None else [self.protos[model + "SpanRef"](
            trace_id=trace_id(trace), span_id=span_id(parent))]
        return self.protos[model + "Span"](
            trace_id=trace_id(trace), span_id=span_id(number), operation_name=name,
            references=references, start_time=self.time_of(start),
            duration=self.duration_of(duration), tags=self.tags(dict(tags)),
            logs=[self.protos[model + "Log"](timestamp=self.time_of(start + 1000),
                                             fields=self.tags(fields)) for fields in logs],
            process=self.protos[model + "Process"](service_name=service,
                                                   tags=self.tags(dict(process))), **more)

    def requests(self, spans):
        return [self.message("WriteSpanRequest", span=one) for one in spans]

    def write(self, *spans):
        for request in self.requests(spans):
            self.writer.WriteSpan(request, timeout=SECONDS)

    def stream(self, spans, streaming=None):
        (streaming or self.streaming).WriteSpanStream(iter(self.requests(spans)), timeout=SECONDS)

    def chunks_of(self, trace, reader=None):
        request = self.message("GetTraceRequest", trace_id=trace_id(trace))
        return list((reader or self.reader).GetTrace(request, timeout=SECONDS))

    def get(self, trace, reader=None):
        return [one for chunk in self.chunks_of(trace, reader) for one in chunk.spans]

    def query(self, kind, **query):
        return self.message(kind, query=self.message("TraceQueryParameters", **query))

    def find(self, reader=None, **query):
        """The spans found, by the number of their trace; traces must come one after the other."""
        found = {}
        last = None
        request = self.query("FindTracesRequest", **query)
        for chunk in (reader or self.reader).FindTraces(request, timeout=SECONDS):
            ids = {one.trace_id for one in chunk.spans}
            self.assertEqual(len(ids), 1, "a chunk has spans of one trace")
            if ids != last:
                self.assertNotIn(*ids, found)
                last = ids
            found.setdefault(*ids, []).extend(chunk.spans)
        ids = (reader or self.reader).FindTraceIDs(self.query("FindTraceIDsRequest", **query),
                                                   timeout=SECONDS)
        self.assertEqual(set(ids.trace_ids), set(found))
        return {int.from_bytes(one, "big") & 0xffffffff: spans for one, spans in found.items()}


class Whole:
    """On the store of all-in-one, and again on that of remote-storage alone."""

    def test_gives_spans_back_as_they_were(self):
        values = {"text": "a", "empty": "", "number": 42, "least": -2**63, "real": 72.5,
                  "yes": True, "no": False, "bytes": b"\x00\xff"}
        spans = [
            self.span(1, 1, "whole", "GET /", tags=values, process={"host": "h1", "cores": 8},
                      logs=[{"event": "start", "n": 1}, {"message": "done", "ok": True}], flags=1),
            self.span(1, 2, "whole", parent=1, duration=0, tags={"span.kind": "client"}),
            self.span(1, 3, "other", parent=2, start=NOW_NS + 1, warnings=["it was late"]),
        ]
        self.write(*spans)
        got = sorted(self.get(1), key=lambda one: one.span_id)
        self.assertEqual(got, spans)

    def test_says_what_it_can(self):
        answer = self.stub("PluginCapabilities").Capabilities(
            self.message("CapabilitiesRequest"), timeout=SECONDS)
        self.assertTrue(answer.streamingSpanWriter)
        self.assertTrue(answer.archiveSpanReader)
        self.assertTrue(answer.archiveSpanWriter)
        for name in ("SpanReaderPlugin", "SpanWriterPlugin", "StreamingSpanWriterPlugin",
                     "ArchiveSpanReaderPlugin", "ArchiveSpanWriterPlugin",
                     "DependenciesReaderPlugin", "PluginCapabilities"):
            self.assertEqual(self.health_of(f"jaeger.storage.v1.{name}"), b"\x08\x01")
            self.assertIn(f"jaeger.storage.v1.{name}", self.services_of_reflection())

    def test_finds_spans_of_past_days(self):
        for number, hours in enumerate((24, 30, 47), start=1):
            self.write(self.span(100 + number, 1, "days", start=NOW_NS - hours * HOUR_NS))
        self.assertEqual(set(self.find(service_name="days")), {101, 102, 103})
        self.assertEqual(
            set(self.find(service_name="days", start_time_min=self.time_of(NOW_NS - 31 * HOUR_NS),
                          start_time_max=self.time_of(NOW_NS - 30 * HOUR_NS))), {102})
        self.assertEqual(len(self.get(103)), 1)

    def test_finds_all_that_match_and_no_other(self):
        spans = []
        for number in range(200, 240):
            even = number % 2 == 0
            spans += [self.span(number, 1, "exact", "root", start=NOW_NS + number,
                                duration=number * 1000, tags={"even": even, "n": number}),
                      self.span(number, 2, "exact-below", "child", start=NOW_NS + number, parent=1,
                                tags={"even": not even})]
        self.stream(spans)
        every = set(range(200, 240))
        self.assertEqual(set(self.find(service_name="exact")), every)
        even = self.find(service_name="exact", tags={"even": "true"})
        self.assertEqual(set(even), {n for n in every if n % 2 == 0})
        self.assertEqual(sum(len(one) for one in even.values()), 40)  # whole traces
        # One span has to have all of it.
        self.assertEqual(self.find(service_name="exact-below", tags={"n": "200"}), {})
        self.assertEqual(self.find(service_name="exact", operation_name="child"), {})
        self.assertEqual(set(self.find(service_name="exact", operation_name="root",
                                       tags={"n": "207", "even": "false"})), {207})
        self.assertEqual(set(self.find(service_name="exact",
                                       duration_min=self.duration_of(210_000),
                                       duration_max=self.duration_of(212_000))), {210, 211, 212})
        self.assertEqual(set(self.find(service_name="exact",
                                       start_time_min=self.time_of(NOW_NS + 238),
                                       start_time_max=self.time_of(NOW_NS + 239))), {238, 239})
        self.assertEqual(set(self.find(service_name="exact", num_traces=3)), {237, 238, 239})
        go_zero = self.protos["google.protobuf.Timestamp"](seconds=GO_ZERO)
        self.assertEqual(set(self.find(service_name="exact", start_time_min=go_zero,
                                       start_time_max=go_zero)), every)
        self.assertEqual(self.find(service_name="nobody"), {})

    def test_finds_typed_tags_by_their_text(self):
        self.write(self.span(300, 1, "typed", tags={"n": 123, "x": 72.5, "b": True, "s": "123",
                                                    "half": 0.5}),
                   self.span(301, 1, "typed", tags={"n": 124, "x": 72.25, "b": False, "s": "12"}))
        for key, value in (("n", "123"), ("x", "72.5"), ("b", "true"), ("s", "123"),
                           ("half", "0.5")):
            self.assertEqual(set(self.find(service_name="typed", tags={key: value})), {300}, key)
        self.assertEqual(self.find(service_name="typed", tags={"n": "12"}), {})
        self.assertEqual(set(self.find(service_name="typed", tags={"b": "false"})), {301})

    def test_finds_tags_wherever_the_span_has_them(self):
        self.write(self.span(400, 1, "spots", tags={"in": "span"}, process={"of": "process"},
                             logs=[{"event": "e", "at": "log"}]),
                   self.span(401, 1, "spots", tags={"in": "span"}),
                   self.span(401, 2, "spots", process={"of": "process"}))
        for tags, expected in (({"in": "span"}, {400, 401}), ({"of": "process"}, {400, 401}),
                               ({"at": "log"}, {400}), ({"event": "e"}, {400}),
                               ({"in": "span", "of": "process", "at": "log"}, {400}),
                               ({"in": "span", "of": "process"}, {400}),
                               ({"in": "process"}, set())):
            self.assertEqual(set(self.find(service_name="spots", tags=tags)), expected, tags)

    def test_finds_without_a_service(self):
        self.write(self.span(500, 1, "some", tags={"only": "here"}),
                   self.span(501, 1, "some-other", tags={"only": "here"}))
        self.assertEqual(set(self.find(tags={"only": "here"})), {500, 501})

    def test_keeps_repeats(self):
        span = self.span(600, 1, "twice", tags={"a": "b"})
        self.write(span, span)
        self.assertEqual(self.get(600), [span, span])
        self.assertEqual(self.find(service_name="twice")[600], [span, span])

    def test_names_operations_by_kind(self):
        kinds = ("", "server", "client", "producer", "consumer", "internal")
        self.write(*(self.span(700, number, "kinds", f"do {kind}".strip(),
                               tags={"span.kind": kind} if kind else {})
                     for number, kind in enumerate(kinds, start=1)))
        answer = self.reader.GetOperations(self.message("GetOperationsRequest", service="kinds"),
                                           timeout=SECONDS)
        self.assertEqual({(one.name, one.span_kind) for one in answer.operations},
                         {(f"do {kind}".strip(), kind) for kind in kinds})
        answer = self.reader.GetOperations(
            self.message("GetOperationsRequest", service="kinds", span_kind="server"),
            timeout=SECONDS)
        self.assertEqual([one.name for one in answer.operations], ["do server"])
        services = self.reader.GetServices(self.message("GetServicesRequest"), timeout=SECONDS)
        self.assertIn("kinds", services.services)

    def test_counts_dependencies(self):
        self.write(self.span(800, 1, "dep-a"), self.span(800, 2, "dep-b", parent=1),
                   self.span(800, 3, "dep-b", parent=1))
        stub = self.stub("DependenciesReaderPlugin")

        def links(**times):
            answer = stub.GetDependencies(self.message("GetDependenciesRequest", **times),
                                          timeout=SECONDS)
            return {(one.parent, one.child): one.call_count for one in answer.dependencies}

        self.assertEqual(links()[("dep-a", "dep-b")], 2)
        self.assertEqual(links(start_time=self.time_of(NOW_NS - HOUR_NS),
                               end_time=self.time_of(NOW_NS))[("dep-a", "dep-b")], 2)
        self.assertEqual(links(start_time=self.time_of(0), end_time=self.time_of(1)), {})

    def test_says_not_found(self):
        self.refuses(lambda: self.chunks_of(999_999), CODE.NOT_FOUND, "trace not found")
        raw = self.message("GetTraceRequest", trace_id=b"")
        self.refuses(lambda: self.reader.GetTrace(raw), CODE.NOT_FOUND, "trace not found")

    def test_splits_a_large_trace(self):
        padding = "x" * 800
        self.stream(self.span(900, number, "large", f"step {number % 7}", start=NOW_NS + number,
                              tags={"padding": padding}) for number in range(1, LARGE_SPANS + 1))
        chunks = self.chunks_of(900)
        self.assertGreater(len(chunks), 2)
        ids = {one.span_id for chunk in chunks for one in chunk.spans}
        self.assertEqual(len(ids), LARGE_SPANS)
        # And none has more spans than Jaeger's own server sends at a time, however short they are.
        self.stream(self.span(902, number, "short", "s", start=NOW_NS + number)
                    for number in range(1, 2501))
        sizes = [len(chunk.spans) for chunk in self.chunks_of(902)]
        self.assertEqual((sum(sizes), max(sizes)), (2500, 1000))
        self.write(self.span(901, 1, "large"))
        found = self.find(service_name="large")  # each chunk is of one trace
        self.assertEqual({trace: len(spans) for trace, spans in found.items()},
                         {900: LARGE_SPANS, 901: 1})

    def test_streams_of_writers_stay_open(self):
        """As Jaeger's collector: many streams, a span now and then, no answer until one is
        closed."""
        import queue
        streams = [queue.Queue() for _ in range(200)]
        calls = [self.streaming.WriteSpanStream.future(iter(one.get, None)) for one in streams]
        for round_of in range(2):
            for number, one in enumerate(streams):
                span = self.span(1000 + number, 1 + round_of, "open", start=NOW_NS + number)
                one.put(self.message("WriteSpanRequest", span=span))
        services = self.reader.GetServices(self.message("GetServicesRequest"), timeout=SECONDS)
        self.assertTrue(services.services)  # readers aren't kept out
        for one, call in zip(streams, calls):
            one.put(None)
            call.result(timeout=SECONDS)
        found = self.find(service_name="open")
        self.assertEqual({trace: len(spans) for trace, spans in found.items()},
                         {1000 + number: 2 for number in range(200)})

    def test_refuses_what_is_no_span(self):
        self.refuses(lambda: self.write(self.protos["jaeger.api_v2.Span"](
            trace_id=b"short", span_id=span_id(1))), CODE.INVALID_ARGUMENT,
            "span 1: trace id is 5 bytes long, not 16")
        self.refuses(lambda: self.writer.WriteSpan(self.message("WriteSpanRequest")),
                     CODE.INVALID_ARGUMENT, "the request has no span")
        raw = self.channel.unary_unary("/jaeger.storage.v1.SpanWriterPlugin/WriteSpan")
        self.refuses(lambda: raw(b"\x0a\x7f"), CODE.INVALID_ARGUMENT)
        self.refuses(lambda: self.reader.FindTraces(self.message("FindTracesRequest")),
                     CODE.INVALID_ARGUMENT, "missing query")
        # Of a stream the others are kept.
        self.stream([self.span(1300, 1, "kept"),
                     self.protos["jaeger.api_v2.Span"](trace_id=trace_id(1300)),
                     self.span(1300, 2, "kept")])
        self.assertEqual(len(self.get(1300)), 2)

    def test_closes_the_writer(self):
        self.writer.Close(self.message("CloseWriterRequest"), timeout=SECONDS)
        self.write(self.span(1400, 1, "after"))
        self.assertEqual(len(self.get(1400)), 1)

    def test_archives(self):
        writer, reader = self.stub("ArchiveSpanWriterPlugin"), self.stub("ArchiveSpanReaderPlugin")
        request = self.message("GetTraceRequest", trace_id=trace_id(1500))
        self.refuses(lambda: reader.GetArchiveTrace(request), CODE.NOT_FOUND, "trace not found")
        spans = [self.span(1500, number, "archived", tags={"n": number}) for number in (1, 2)]
        for one in self.requests(spans):
            writer.WriteArchiveSpan(one, timeout=SECONDS)
        got = [one for chunk in reader.GetArchiveTrace(request, timeout=SECONDS)
               for one in chunk.spans]
        self.assertEqual(sorted(got, key=lambda one: one.span_id), spans)
        self.refuses(lambda: self.chunks_of(1500), CODE.NOT_FOUND)  # the archive is apart

        # The same archive as a storage of its own, on the second address.
        whole = self.stub("SpanReaderPlugin", self.archive_channel)
        self.assertEqual(len(self.get(1500, whole)), 2)
        self.stub("SpanWriterPlugin", self.archive_channel).WriteSpan(
            self.requests([self.span(1501, 1, "archived")])[0], timeout=SECONDS)
        self.stream([self.span(1501, 2, "archived")],
                    self.stub("StreamingSpanWriterPlugin", self.archive_channel))
        self.assertEqual({trace: len(spans) for trace, spans in
                          self.find(whole, service_name="archived").items()}, {1500: 2, 1501: 2})
        services = whole.GetServices(self.message("GetServicesRequest"), timeout=SECONDS)
        self.assertEqual(list(services.services), ["archived"])
        answer = self.stub("PluginCapabilities", self.archive_channel).Capabilities(
            self.message("CapabilitiesRequest"), timeout=SECONDS)
        self.assertTrue(answer.streamingSpanWriter)
        self.assertFalse(answer.archiveSpanReader)

    def test_is_not_emptied_unless_it_is_told_so(self):
        for channel in (self.channel, self.archive_channel):
            self.refuses(lambda: self.purge(channel), CODE.UNIMPLEMENTED)
        self.assertNotIn("tracestore.storage.v1.StorageAdmin", self.services_of_reflection())

    def test_is_counted(self):
        self.write(self.span(1600, 1, "counted"))
        self.get(1600)
        _, metrics = self.service.get("admin", "/metrics")
        self.assertIn('route="/jaeger.storage.v1.SpanReaderPlugin/GetTrace",status="0"', metrics)


class InAllInOne(Whole, V1):
    def test_archives_what_its_own_query_service_archives(self):
        """Beside an archive that is open for the spans of Jaeger's."""
        self.write(self.span(1700, 1, "own"))
        self.stub("ArchiveSpanWriterPlugin").WriteArchiveSpan(
            self.requests([self.span(1701, 1, "own")])[0], timeout=SECONDS)
        url = self.service.url("query", f"/api/archive/{trace_id(1700).hex()}")
        with urllib.request.urlopen(urllib.request.Request(url, method="POST"),
                                    timeout=SECONDS) as answer:
            self.assertEqual(answer.status, 200)
        whole = self.stub("SpanReaderPlugin", self.archive_channel)
        self.assertEqual(set(self.find(whole, service_name="own")), {1700, 1701})
        self.assertIsNotNone(self.service.trace(trace_id(1701).hex()))


class Alone(Whole, V1):
    command = "remote-storage"

    def test_has_nothing_else(self):
        self.assertEqual(set(self.service.ports),
                         {"admin", "remote_storage", "remote_storage_archive"})


class Purged(V1):
    """What a test of what stands in front asks for between its cases."""

    command = "remote-storage"
    flags = ("--remote-storage.purge-enabled",)

    def test_is_emptied(self):
        whole = self.stub("SpanReaderPlugin", self.archive_channel)
        archive = self.stub("SpanWriterPlugin", self.archive_channel)
        self.purge(self.archive_channel)  # of an archive that isn't there
        for number in (1, 2):
            self.write(self.span(number, 1, "purged"))
            archive.WriteSpan(self.requests([self.span(number, 1, "purged")])[0], timeout=SECONDS)
        self.purge(self.channel)
        self.assertEqual(self.find(), {})
        self.refuses(lambda: self.chunks_of(1), CODE.NOT_FOUND)
        services = self.reader.GetServices(self.message("GetServicesRequest"), timeout=SECONDS)
        self.assertEqual(list(services.services), [])
        self.assertEqual(set(self.find(whole)), {1, 2})
        self.purge(self.archive_channel)
        self.assertEqual(self.find(whole), {})
        self.write(self.span(1, 2, "again"))
        self.assertEqual(set(self.find()), {1})
        self.assertIn("tracestore.storage.v1.StorageAdmin", self.services_of_reflection())


if __name__ == "__main__":
    if (why := protos.missing()) is not None:
        print(f"storage_v1_test: not run: {why}")
        sys.exit(1 if os.environ.get("CI") == "true" else 77)
    main(sys.argv)
