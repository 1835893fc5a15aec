"""Jaeger 2.x's storage interface, jaeger.storage.v2 and OTLP as its writer, called by gRPC's own
client for Python as Jaeger calls it: what a storage back end has to get right.

Usage: storage_v2_test.py PROGRAM
Exit 77 (skipped) where something isn't installed, but not in CI
"""

import os
import sys

try:
    import grpc
    import protos
    from storage_base import (HOUR_NS, LARGE_SPANS, NOW_NS, SECONDS, StorageTest, main, span_id,
                              trace_id)
except ImportError as error:
    print(f"storage_v2_test: not run: {error} (scripts/bootstrap makes .venv with it)")
    sys.exit(1 if os.environ.get("CI") == "true" else 77)

CODE = grpc.StatusCode
OTLP = "opentelemetry.proto."
FIELDS = {str: "string_value", bool: "bool_value", int: "int_value", float: "double_value",
          bytes: "bytes_value"}


def number_of(id_bytes):
    return int.from_bytes(id_bytes, "big") & 0xffffffff


class V2(StorageTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.reader = cls.reader_of(cls.channel)
        cls.writer = cls.writer_of(cls.channel)

    @classmethod
    def reader_of(cls, channel):
        return cls.protos.stub(channel, "jaeger.storage.v2.TraceReader")

    @classmethod
    def writer_of(cls, channel):
        return cls.protos.stub(channel, OTLP + "collector.trace.v1.TraceService")

    def message(self, name, **fields):
        return self.protos[f"jaeger.storage.v2.{name}"](**fields)

    def value(self, value, package=OTLP + "common.v1."):
        if isinstance(value, list):
            values = [self.value(one, package) for one in value]
            return self.protos[package + "AnyValue"](
                array_value=self.protos[package + "ArrayValue"](values=values))
        if isinstance(value, dict):
            return self.protos[package + "AnyValue"](kvlist_value=self.protos[
                package + "KeyValueList"](values=self.attributes(value, package)))
        return self.protos[package + "AnyValue"](**{FIELDS[type(value)]: value})

    def attributes(self, values, package=OTLP + "common.v1."):
        return [self.protos[package + "KeyValue"](key=key, value=self.value(value, package))
                for key, value in values.items()]

    def span(self, trace, number, name="op", start=NOW_NS, duration=5_000_000, attributes=(),
             parent=None, events=(), links=(), **more):
        more.setdefault("kind", 1)
        return self.protos[OTLP + "trace.v1.Span"](
            trace_id=trace_id(trace), span_id=span_id(number), name=name,
            parent_span_id=b"" if parent is None else span_id(parent),
            start_time_unix_nano=start, end_time_unix_nano=start + duration,
            attributes=self.attributes(dict(attributes)), events=events, links=links, **more)

    def of_service(self, service, spans, resource=(), scope=None):
        trace = OTLP + "trace.v1."
        return self.protos[trace + "ResourceSpans"](
            resource=self.protos[OTLP + "resource.v1.Resource"](
                attributes=self.attributes({"service.name": service, **dict(resource)})),
            scope_spans=[self.protos[trace + "ScopeSpans"](scope=scope, spans=spans)])

    def write(self, *resource_spans, writer=None):
        answer = (writer or self.writer).Export(
            self.protos[OTLP + "collector.trace.v1.ExportTraceServiceRequest"](
                resource_spans=resource_spans), timeout=SECONDS)
        self.assertEqual(answer.partial_success.rejected_spans, 0)

    def traces_of(self, stream):
        """Spans by the number of their trace, and how many messages each had."""
        found, messages, last = {}, {}, None
        for data in stream:
            spans = [one for resource in data.resource_spans for scope in resource.scope_spans
                     for one in scope.spans]
            ids = {one.trace_id for one in spans}
            self.assertEqual(len(ids), 1, "a message has spans of one trace, and has some")
            (number,) = map(number_of, ids)
            if number != last:
                self.assertNotIn(number, found)
                last = number
            found.setdefault(number, []).extend(spans)
            messages[number] = messages.get(number, 0) + 1
        return found, messages

    def stream_of(self, *numbers):
        query = [self.message("GetTraceParams", trace_id=trace_id(one)) for one in numbers]
        return self.reader.GetTraces(self.message("GetTracesRequest", query=query), timeout=SECONDS)

    def get(self, *numbers):
        return self.traces_of(self.stream_of(*numbers))[0]

    def query(self, kind, attributes=(), **query):
        return self.message(kind, query=self.message(
            "TraceQueryParameters",
            attributes=self.attributes(dict(attributes), "jaeger.storage.v2."), **query))

    def find(self, reader=None, **query):
        """Spans by trace; the three ways of a search have to agree."""
        reader = reader or self.reader
        found, _ = self.traces_of(reader.FindTraces(self.query("FindTracesRequest", **query),
                                                    timeout=SECONDS))
        ids = reader.FindTraceIDs(self.query("FindTraceIDsRequest", **query), timeout=SECONDS)
        self.assertEqual({number_of(one.trace_id) for one in ids.trace_ids}, set(found))
        self.assertEqual({number: one.span_count for number, one in
                          self.summaries(reader, **query).items()},
                         {number: len(spans) for number, spans in found.items()})
        return found

    def summaries(self, reader=None, **query):
        request = self.query("FindTraceSummariesRequest", **query)
        return {number_of(one.trace_id): one
                for chunk in (reader or self.reader).FindTraceSummaries(request, timeout=SECONDS)
                for one in chunk.summaries}

    def call(self, op, *args):
        return self.protos["jaeger.expression.v1.Call"](op=op, args=args)


class Whole:
    """On the store of all-in-one, and again on that of remote-storage alone."""

    def test_gives_spans_back_as_they_were(self):
        trace = OTLP + "trace.v1."
        values = {"text": "a", "empty": "", "number": -42, "real": 72.5, "yes": True, "no": False,
                  "bytes": b"\x00\xff", "list": [1, "two", 3.5, [True]], "none": [],
                  "map": {"a": {"b": [b"c"]}, "d": 1}}
        events = [self.protos[trace + "Span.Event"](
            time_unix_nano=NOW_NS + 5, name="e", attributes=self.attributes(values),
            dropped_attributes_count=2)]
        links = [self.protos[trace + "Span.Link"](
            trace_id=trace_id(77), span_id=span_id(7), trace_state="k=v", flags=1,
            attributes=self.attributes({"why": "linked"}), dropped_attributes_count=1)]
        scope = self.protos[OTLP + "common.v1.InstrumentationScope"](
            name="lib", version="1.2", attributes=self.attributes({"scoped": [1]}))
        sent = self.of_service("whole", [
            self.span(1, 1, "GET /", attributes=values, kind=2, events=events, links=links,
                      trace_state="a=b", flags=1, dropped_attributes_count=3,
                      dropped_events_count=4, dropped_links_count=5,
                      status=self.protos[trace + "Status"](code=2, message="broken")),
            self.span(1, 2, parent=1, kind=0, duration=0),
        ], resource={"cores": 8}, scope=scope)
        sent.schema_url = "https://example.org/1"
        sent.scope_spans[0].schema_url = "https://example.org/2"
        self.write(sent)
        (data,) = self.stream_of(1)
        self.assertEqual(list(data.resource_spans), [sent])

    def test_says_what_it_can(self):
        answer = self.protos.stub(self.channel, "jaeger.storage.v2.Capabilities").GetCapabilities(
            self.message("GetCapabilitiesRequest"), timeout=SECONDS)
        self.assertTrue(answer.search.without_service_name)
        self.assertTrue(answer.search.same_span_conjunction)
        self.assertEqual(list(answer.search.filter.levels),
                         ["span", "resource", "scope", "event", "link"])
        self.assertEqual(set(answer.search.filter.operators), {
            "and", "or", "not", "eq", "ne", "gt", "lt", "gte", "lte", "regex", "exists", "in",
            "not_in", "some"})
        names = {f"jaeger.storage.v2.{one}" for one in ("TraceReader", "DependencyReader",
                                                       "Capabilities")}
        for name in names | {"jaeger.storage.v2.TraceWriter"}:
            self.assertEqual(self.health_of(name), b"\x08\x01")
        self.assertLessEqual(names | {OTLP + "collector.trace.v1.TraceService"},
                             self.services_of_reflection())

    def test_finds_spans_of_past_days(self):
        for number, hours in enumerate((24, 30, 47), start=1):
            self.write(self.of_service("days", [
                self.span(100 + number, 1, start=NOW_NS - hours * HOUR_NS)]))
        self.assertEqual(set(self.find(service_name="days")), {101, 102, 103})
        self.assertEqual(
            set(self.find(service_name="days", start_time_min=self.time_of(NOW_NS - 31 * HOUR_NS),
                          start_time_max=self.time_of(NOW_NS - 30 * HOUR_NS))), {102})

    def test_finds_all_that_match_and_no_other(self):
        every = range(200, 240)
        self.write(
            self.of_service("exact", [self.span(number, 1, "root", start=NOW_NS + number,
                                                duration=number * 1000,
                                                attributes={"even": number % 2 == 0, "n": number})
                                      for number in every]),
            self.of_service("exact-below", [self.span(number, 2, "child", start=NOW_NS + number,
                                                      parent=1,
                                                      attributes={"even": number % 2 != 0})
                                            for number in every]))
        even = self.find(service_name="exact", attributes={"even": True})
        self.assertEqual(set(even), {n for n in every if n % 2 == 0})
        self.assertEqual(sum(len(one) for one in even.values()), 40)  # whole traces
        # One span has to have all of it.
        self.assertEqual(self.find(service_name="exact-below", attributes={"n": 200}), {})
        self.assertEqual(self.find(service_name="exact", operation_name="child"), {})
        self.assertEqual(set(self.find(service_name="exact", operation_name="root",
                                       attributes={"n": 207, "even": False})), {207})
        self.assertEqual(set(self.find(service_name="exact",
                                       duration_min=self.duration_of(210_000),
                                       duration_max=self.duration_of(212_000))), {210, 211, 212})
        self.assertEqual(set(self.find(service_name="exact", search_depth=3)), {237, 238, 239})
        self.assertEqual(self.find(service_name="nobody"), {})

    def test_finds_attributes_by_value_and_by_text(self):
        values = {"n": 123, "x": 72.5, "b": True, "s": "text", "raw": b"\x00\xff",
                  "list": [1, "two"], "map": {"a": 1}}
        self.write(self.of_service("typed", [self.span(300, 1, attributes=values)]),
                   self.of_service("typed", [self.span(301, 1, attributes={
                       "n": 124, "x": 72.25, "b": False, "s": "texts", "raw": b"\x00",
                       "list": [1], "map": {"a": 2}})]))
        for key, value in values.items():
            self.assertEqual(set(self.find(service_name="typed", attributes={key: value})), {300},
                             key)
        for key, text in (("n", "123"), ("x", "72.5"), ("b", "true")):
            self.assertEqual(set(self.find(service_name="typed", attributes={key: text})), {300},
                             key)
        self.assertEqual(self.find(service_name="typed", attributes={"n": 12}), {})

    def test_finds_attributes_wherever_the_span_has_them(self):
        trace = OTLP + "trace.v1."
        scope = self.protos[OTLP + "common.v1.InstrumentationScope"](
            name="lib", attributes=self.attributes({"in": "scope"}))
        event = self.protos[trace + "Span.Event"](
            time_unix_nano=NOW_NS, name="e", attributes=self.attributes({"at": "event"}))
        link = self.protos[trace + "Span.Link"](
            trace_id=trace_id(77), span_id=span_id(7),
            attributes=self.attributes({"by": "link"}))
        self.write(self.of_service("spots", [self.span(400, 1, attributes={"on": "span"},
                                                       events=[event], links=[link])],
                                   resource={"of": "resource"}, scope=scope),
                   self.of_service("spots", [self.span(401, 1, attributes={"on": "span"})]))
        for attributes, expected in (
                ({"on": "span"}, {400, 401}), ({"of": "resource"}, {400}), ({"in": "scope"}, {400}),
                ({"at": "event"}, {400}), ({"by": "link"}, {400}),
                ({"on": "span", "of": "resource", "in": "scope", "at": "event", "by": "link"},
                 {400}), ({"on": "scope"}, set())):
            self.assertEqual(set(self.find(service_name="spots", attributes=attributes)), expected,
                             attributes)

    def test_finds_without_a_service(self):
        self.write(self.of_service("some", [self.span(500, 1, attributes={"only": "here"})]),
                   self.of_service("some-other", [self.span(501, 1, attributes={"only": "here"})]))
        self.assertEqual(set(self.find(attributes={"only": "here"})), {500, 501})

    def test_finds_by_a_filter(self):
        self.write(self.of_service("filter", [
            self.span(number, 1, attributes={"n": number},
                      status=self.protos[OTLP + "trace.v1.Status"](code=number % 3))
            for number in range(550, 560)]))
        attribute = {"attr": {"key": "n", "level": "span"}}

        def scalar(value, kind=""):
            return {"scalar": {"value": value, "type": kind}}

        service = self.call("eq", {"field": {"name": "service", "level": "resource"}},
                            scalar("filter"))
        late = self.call("gt", attribute, scalar("555", "int"))
        failed = self.call("eq", {"field": {"name": "status", "level": "span"}}, scalar("error"))
        either = self.call("or", {"call": late}, {"call": failed})
        self.assertEqual(set(self.find(filter=self.call("and", {"call": service},
                                                        {"call": either}))),
                         {n for n in range(550, 560) if n > 555 or n % 3 == 2})
        self.refuses(lambda: self.reader.FindTraces(self.query("FindTracesRequest", filter=late,
                                                               service_name="filter")),
                     CODE.INVALID_ARGUMENT,
                     "invalid query filter: it cannot be combined with [service_name]; "
                     "express those predicates in the filter instead")
        self.refuses(lambda: self.reader.FindTraceSummaries(
            self.query("FindTraceSummariesRequest", filter=self.call("like"))),
            CODE.INVALID_ARGUMENT, 'invalid query filter: unknown filter operator "like"')

    def test_pages(self):
        self.write(self.of_service("pages", [self.span(number, 1, start=NOW_NS + number)
                                             for number in range(570, 580)]))
        token, pages = "", []
        while True:
            page = self.message("Pagination", page_size=4, page_token=token)
            answer = self.reader.FindTraceIDs(self.query("FindTraceIDsRequest",
                                                         service_name="pages", pagination=page),
                                              timeout=SECONDS)
            pages.append([number_of(one.trace_id) for one in answer.trace_ids])
            chunks = list(self.reader.FindTraceSummaries(
                self.query("FindTraceSummariesRequest", service_name="pages", pagination=page),
                timeout=SECONDS))
            self.assertEqual([number_of(one.trace_id) for chunk in chunks
                              for one in chunk.summaries], pages[-1])
            self.assertEqual(chunks[-1].next_page_token, answer.next_page_token)
            token = answer.next_page_token
            if not token:
                break
        self.assertEqual(pages, [[579, 578, 577, 576], [575, 574, 573, 572], [571, 570]])
        other = self.message("Pagination", page_token="no token")
        self.refuses(lambda: self.reader.FindTraceIDs(
            self.query("FindTraceIDsRequest", pagination=other)), CODE.INVALID_ARGUMENT)

    def test_keeps_repeats(self):
        span = self.span(600, 1, attributes={"a": "b"})
        self.write(self.of_service("twice", [span]))
        self.write(self.of_service("twice", [span]))
        self.assertEqual(self.get(600), {600: [span, span]})

    def test_names_operations_by_kind(self):
        kinds = ("", "internal", "server", "client", "producer", "consumer")
        self.write(self.of_service("kinds", [self.span(700, number + 1, f"do {kind}".strip(),
                                                       kind=number)
                                             for number, kind in enumerate(kinds)]))
        answer = self.reader.GetOperations(self.message("GetOperationsRequest", service="kinds"),
                                           timeout=SECONDS)
        self.assertEqual({(one.name, one.span_kind) for one in answer.operations},
                         {(f"do {kind}".strip(), kind) for kind in kinds})
        answer = self.reader.GetOperations(
            self.message("GetOperationsRequest", service="kinds", span_kind="client"),
            timeout=SECONDS)
        self.assertEqual([one.name for one in answer.operations], ["do client"])
        services = self.reader.GetServices(self.message("GetServicesRequest"), timeout=SECONDS)
        self.assertIn("kinds", services.services)

    def test_summarizes(self):
        error = self.protos[OTLP + "trace.v1.Status"](code=2)
        self.write(self.of_service("sum-a", [self.span(750, 1, "root"),
                                             self.span(750, 9, "lost", parent=8)]),
                   self.of_service("sum-b", [self.span(750, 2, parent=1, status=error)]))
        one = self.summaries(service_name="sum-b")[750]
        self.assertEqual(one.trace_id, trace_id(750))
        self.assertEqual((one.root_service_name, one.root_operation_name), ("sum-a", "root"))
        self.assertEqual((one.span_count, one.error_span_count, one.orphan_span_count), (3, 1, 1))
        self.assertEqual((one.min_start_time_unix_nano, one.max_end_time_unix_nano),
                         (NOW_NS, NOW_NS + 5_000_000))
        self.assertEqual([(each.name, each.span_count, each.error_span_count)
                          for each in one.services], [("sum-a", 2, 0), ("sum-b", 1, 1)])

    def test_counts_dependencies(self):
        self.write(self.of_service("dep-a", [self.span(800, 1)]),
                   self.of_service("dep-b", [self.span(800, 2, parent=1),
                                             self.span(800, 3, parent=1)]))
        stub = self.protos.stub(self.channel, "jaeger.storage.v2.DependencyReader")

        def links(**times):
            answer = stub.GetDependencies(self.message("GetDependenciesRequest", **times),
                                          timeout=SECONDS)
            return {(one.parent, one.child): one.call_count for one in answer.dependencies}

        self.assertEqual(links(start_time=self.time_of(NOW_NS - HOUR_NS),
                               end_time=self.time_of(NOW_NS))[("dep-a", "dep-b")], 2)
        self.assertEqual(links(start_time=self.time_of(0), end_time=self.time_of(1)), {})

    def test_gives_nothing_for_what_is_not_there(self):
        self.write(self.of_service("there", [self.span(850, 1), self.span(851, 1)]))
        self.assertEqual(self.get(999_999), {})
        self.assertEqual(self.get(), {})
        self.assertEqual(list(self.get(850, 999_999, 851)), [850, 851])
        for id_bytes, details in ((b"short", "TraceID is 5 bytes long, not 16"),
                                  (b"", "uninitialized TraceID is not allowed")):
            request = self.message("GetTracesRequest", query=[
                self.message("GetTraceParams", trace_id=id_bytes)])
            self.refuses(lambda: self.reader.GetTraces(request), CODE.INVALID_ARGUMENT, details)
        self.refuses(lambda: self.reader.FindTraces(self.message("FindTracesRequest")),
                     CODE.INVALID_ARGUMENT, "missing query")

    def test_splits_a_large_trace(self):
        padding = "x" * 800
        for begin in range(1, LARGE_SPANS + 1, 2000):
            self.write(self.of_service("large", [
                self.span(900, number, f"step {number % 7}", start=NOW_NS + number,
                          attributes={"padding": padding})
                for number in range(begin, begin + 2000)]))
        self.write(self.of_service("large", [self.span(901, 1)]))
        found, messages = self.traces_of(self.stream_of(900, 901))
        self.assertGreater(messages[900], 2)
        self.assertEqual(len({one.span_id for one in found[900]}), LARGE_SPANS)
        self.assertEqual({number: len(spans) for number, spans in
                          self.find(service_name="large").items()}, {900: LARGE_SPANS, 901: 1})

    def test_the_archive_is_a_storage_of_its_own(self):
        self.write(self.of_service("archived", [self.span(1500, 1)]),
                   writer=self.writer_of(self.archive_channel))
        reader = self.reader_of(self.archive_channel)
        self.assertEqual(set(self.find(reader, service_name="archived")), {1500})
        self.assertEqual(self.find(service_name="archived"), {})
        self.assertEqual(self.health_of("jaeger.storage.v2.TraceWriter", self.archive_channel),
                         b"\x08\x01")

    def test_shows_spans_of_the_other_interface(self):
        """A store that Jaeger 1.x wrote and 2.x reads."""
        model = "jaeger.api_v2."
        tag = self.protos[model + "KeyValue"](key="n", v_type=2, v_int64=5)
        span = self.protos[model + "Span"](
            trace_id=trace_id(1600), span_id=span_id(1), operation_name="old",
            start_time=self.time_of(NOW_NS), duration=self.duration_of(1000), tags=[tag],
            process=self.protos[model + "Process"](service_name="both"))
        self.protos.stub(self.channel, "jaeger.storage.v1.SpanWriterPlugin").WriteSpan(
            self.protos["jaeger.storage.v1.WriteSpanRequest"](span=span), timeout=SECONDS)
        self.assertEqual(set(self.find(service_name="both", attributes={"n": 5})), {1600})
        (one,) = self.get(1600)[1600]
        self.assertEqual((one.name, one.start_time_unix_nano), ("old", NOW_NS))
        self.assertEqual(list(one.attributes), self.attributes({"n": 5}))


class InAllInOne(Whole, V2):
    pass


class Alone(Whole, V2):
    command = "remote-storage"


if __name__ == "__main__":
    if (why := protos.missing()) is not None:
        print(f"storage_v2_test: not run: {why}")
        sys.exit(1 if os.environ.get("CI") == "true" else 77)
    main(sys.argv)
