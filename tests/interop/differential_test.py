"""Random searches and dependencies through Jaeger's and Zipkin's HTTP APIs, against their rules
written down here a second time and applied to every span that was sent. A part of the spans lies in
segments, a part in the head, and many traces in both.

Usage: differential_test.py PROGRAM     TRACESTORE_DIFFERENTIAL_WORLDS=N asks more worlds than two
"""

import json
import os
import random
import sys
import tempfile
import time
import unittest
import urllib.parse
import urllib.request
from collections import Counter
from pathlib import Path

from otlp_json import attribute
from service import Service

PROGRAM = sys.argv[1]
WORLDS = int(os.environ.get("TRACESTORE_DIFFERENTIAL_WORLDS", "2"))
SEARCHES = 60
TRACES = 60
BEGIN_US = int(time.time()) * 1_000_000 - 3_600_000_000
SERVICES = ["cart", "pay", "ship", "stock"]
NAMES = ["get", "put", "scan"]
KEYS = ["env", "http.path", "retry"]
VALUES = ["prod", "/a", "true"]


def ask(service, listener, path, /, **parameters):
    text = urllib.parse.urlencode(parameters, doseq=True)
    with urllib.request.urlopen(service.url(listener, f"{path}?{text}"), timeout=60) as answer:
        return json.load(answer)


def post(service, listener, path, body):
    request = urllib.request.Request(service.url(listener, path), json.dumps(body).encode(),
                                     {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status in (200, 202)


class World:
    """Traces of a seed. A start is of one span alone, so that the order of traces is one."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.starts = self.random.sample(range(3_000_000), TRACES * 8)
        self.ids = 0

    def start(self):
        return BEGIN_US + self.starts.pop()

    def tags(self):
        return {key: self.random.choice(VALUES) for key in KEYS if self.random.random() < 0.4}

    def next_id(self):
        self.ids += 1
        return f"{self.ids:016x}"

    def some(self, chance, value):
        return value if self.random.random() < chance else None


# ---- Jaeger: spans of OTLP, a search is met by one span ----

class JaegerWorld(World):
    def __init__(self, seed):
        super().__init__(seed)
        self.spans = []
        for number in range(TRACES):
            own = []
            for _ in range(self.random.randint(1, 6)):
                parent = self.random.choice(own)["id"] if own else None
                own.append({"trace": f"{number + 1:032x}", "id": self.next_id(), "parent": parent,
                            "service": self.random.choice(SERVICES),
                            "name": self.random.choice(NAMES), "start": self.start(),
                            "duration": self.random.choice([1, 5, 50, 700]) * 1000,
                            "tags": self.tags(), "process": self.tags(), "fields": self.tags(),
                            "error": self.random.random() < 0.2})
            self.spans += own

    @staticmethod
    def otlp(spans):
        def attributes(tags):
            return [attribute(key, value) for key, value in tags.items()]

        return {"resourceSpans": [
            {"resource": {"attributes": [attribute("service.name", one["service"]),
                                         *attributes(one["process"])]},
             "scopeSpans": [{"spans": [
                 {"traceId": one["trace"], "spanId": one["id"],
                  "parentSpanId": one["parent"] or "", "name": one["name"], "kind": 2,
                  "startTimeUnixNano": str(one["start"] * 1000),
                  "endTimeUnixNano": str((one["start"] + one["duration"]) * 1000),
                  "attributes": attributes(one["tags"]),
                  "events": [{"timeUnixNano": str(one["start"] * 1000), "name": "ev",
                              "attributes": attributes(one["fields"])}] if one["fields"] else [],
                  "status": {"code": 2} if one["error"] else {}}]}]} for one in spans]}

    def search(self):
        """Parameters, and the rule that they mean."""
        pick, chance = self.random.choice, self.random.random
        asked = {"service": pick(SERVICES), "limit": pick([1, 3, 20, 1000]),
                 "start": BEGIN_US - 1, "end": BEGIN_US + 3_000_001}
        if chance() < 0.4:
            asked["start"] = BEGIN_US + self.random.randrange(3_000_000)
        if chance() < 0.4:
            asked["end"] = BEGIN_US + self.random.randrange(3_000_000)
        if chance() < 0.1:  # both ends count
            asked["start"] = asked["end"] = pick(self.spans)["start"]
        if chance() < 0.4:
            asked["operation"] = pick(NAMES)
        if chance() < 0.3:
            asked["minDuration"] = pick(["1ms", "5ms", "50ms"])
        if chance() < 0.3:
            asked["maxDuration"] = pick(["50ms", "700ms"])
        wanted = [(pick(KEYS), pick(VALUES)) for _ in range(self.random.randrange(3))]
        if chance() < 0.2:
            wanted.append(("error", "true"))
        if chance() < 0.5:
            asked["tag"] = [f"{key}:{value}" for key, value in wanted]
        elif wanted:
            asked["tags"] = json.dumps(dict(wanted))
        wanted = list(dict(wanted).items())  # of a key the last value

        def matches(span):
            def has(key, value):
                if key == "error" and span["error"]:
                    return value == "true"
                return any(span[level].get(key) == value
                           for level in ("tags", "process", "fields"))

            def milliseconds(name, default):
                return int(asked.get(name, default).removesuffix("ms")) * 1000

            return (span["service"] == asked["service"]
                    and span["name"] == asked.get("operation", span["name"])
                    and asked["start"] <= span["start"] <= asked["end"]
                    and milliseconds("minDuration", "0ms") <= span["duration"]
                    and span["duration"] <= milliseconds("maxDuration", "9999999ms")
                    and all(has(key, value) for key, value in wanted))

        return asked, matches

    def found(self, matches, limit):
        traces = {span["trace"] for span in self.spans if matches(span)}
        first = {trace: min(span["start"] for span in self.spans if span["trace"] == trace)
                 for trace in traces}
        return sorted(traces, key=first.get, reverse=True)[:limit]

    def links(self, begin_ms, end_ms):
        services = {span["id"]: span["service"] for span in self.spans}
        return Counter((services[span["parent"]], span["service"]) for span in self.spans
                       if span["parent"] and services[span["parent"]] != span["service"]
                       and begin_ms * 1000 <= span["start"] < end_ms * 1000 + 1)


# ---- Zipkin: a search is met by a trace, each condition by some span of the service ----

class ZipkinWorld(World):
    def __init__(self, seed):
        super().__init__(seed)
        self.traces = [self.trace(f"{number + 1:016x}") for number in range(TRACES)]

    def span(self, trace, parent, kind, start, service=None, span_id=None, **more):
        remote = self.some(0.5, self.random.choice(SERVICES))
        return {"traceId": trace, "parentId": parent, "id": span_id or self.next_id(),
                "kind": kind, "name": self.random.choice(NAMES), "timestamp": start,
                "duration": self.random.choice([1, 5, 50, 700]),
                "localEndpoint": {"serviceName": service or self.random.choice(SERVICES)},
                "remoteEndpoint": remote and {"serviceName": remote},
                "annotations": [{"timestamp": start, "value": value} for value in
                                self.random.sample(VALUES, self.random.randrange(2))],
                "tags": {**self.tags(), **({"error": ""} if self.random.random() < 0.2 else {})},
                **more}

    def trace(self, trace):
        """A tree below one root, which begins first; some servers share their client's id."""
        starts = sorted(self.start() for _ in range(self.random.randint(1, 6)))
        spans, parents = [], []
        for start in starts:
            kind = self.random.choice(["CLIENT", "SERVER", "SERVER", "PRODUCER", "CONSUMER", None])
            parent = self.random.choice(parents) if parents else None
            one = self.span(trace, parent and parent["id"], kind, start)
            if kind == "CLIENT" and self.random.random() < 0.5:
                spans.append(one)
                # The server's half, of a service of its own, so that children know whose they are.
                others = [name for name in SERVICES if name != one["localEndpoint"]["serviceName"]]
                one = self.span(trace, one["parentId"], "SERVER", start + 1,
                                self.random.choice(others), one["id"], shared=True)
            one["children_of"] = one["localEndpoint"]["serviceName"]
            if parent and parent.get("shared"):  # below the server's half
                one["localEndpoint"]["serviceName"] = parent["children_of"]
                one["children_of"] = parent["children_of"]
            spans.append(one)
            parents.append(one)
        return spans

    @staticmethod
    def sent(spans):
        return [{key: value for key, value in span.items()
                 if value is not None and key != "children_of"} for span in spans]

    def search(self):
        pick, chance = self.random.choice, self.random.random
        asked = {"endTs": (BEGIN_US + 3_001_000) // 1000, "lookback": 10_000,
                 "limit": pick([1, 3, 20, 1000])}
        if chance() < 0.5:
            asked["endTs"] = (BEGIN_US + self.random.randrange(3_000_000)) // 1000
            asked["lookback"] = pick([200, 1000])
        if chance() < 0.6:
            asked["serviceName"] = pick([*SERVICES, "CART"])
        if chance() < 0.3:
            asked["remoteServiceName"] = pick(SERVICES)
        if chance() < 0.4:
            asked["spanName"] = pick([*NAMES, "all", "GET"])
        if chance() < 0.4:
            asked["minDuration"] = pick([1, 5, 50])
            if chance() < 0.5:
                asked["maxDuration"] = pick([50, 700])
        words, pairs = [], {}
        for _ in range(self.random.randrange(3)):
            if chance() < 0.5:
                words.append(pick([*VALUES, *KEYS, "error"]))
            else:
                pairs[pick(KEYS)] = pick(VALUES)
        if words or pairs:
            asked["annotationQuery"] = " and ".join(
                [*words, *(f"{key}={value}" for key, value in pairs.items())])
        # A bare word is overridden by a pair of its key.
        return asked, [word for word in words if word not in pairs], pairs

    @staticmethod
    def matches(trace, asked, words, pairs):
        begin = (asked["endTs"] - asked["lookback"]) * 1000
        if not begin <= trace[0]["timestamp"] <= asked["endTs"] * 1000:
            return False
        service = asked.get("serviceName", "").lower()
        own = [span for span in trace
               if not service or span["localEndpoint"]["serviceName"] == service]
        name = asked.get("spanName", "").lower()
        remote = asked.get("remoteServiceName")

        def some(rule):
            return any(rule(span) for span in own)

        return (bool(own)
                and (name in ("", "all") or some(lambda span: span["name"] == name))
                and (not remote or some(lambda span: (span["remoteEndpoint"] or {}).get(
                    "serviceName") == remote))
                and ("minDuration" not in asked or some(lambda span: asked["minDuration"]
                     <= span["duration"] <= asked.get("maxDuration", 1 << 60)))
                and all(some(lambda span, word=word: word in span["tags"] or any(
                    one["value"] == word for one in span["annotations"])) for word in words)
                and all(some(lambda span, key=key: span["tags"].get(key) == pairs[key])
                        for key in pairs))

    def links(self, begin_ms, end_ms):
        """Of traces with a span in the window, by the rule of Zipkin's linker."""
        calls, errors = Counter(), Counter()
        for trace in self.traces:
            if any(begin_ms <= span["timestamp"] // 1000 <= end_ms for span in trace):
                Linker(trace).add(calls, errors)
        return {link: (calls[link], errors[link]) for link in calls}


class Linker:
    def __init__(self, trace):
        self.trace = trace
        self.parents = [self.parent_of(span) for span in trace]

    def parent_of(self, span):
        """The index of the span that it hangs below."""
        if span.get("shared"):  # below the client's half
            return next(i for i, one in enumerate(self.trace)
                        if one["id"] == span["id"] and not one.get("shared"))
        if not span["parentId"]:
            return None
        halves = [i for i, one in enumerate(self.trace) if one["id"] == span["parentId"]]
        return next((i for i in halves if self.trace[i].get("shared")
                     and self.trace[i]["localEndpoint"] == span["localEndpoint"]), halves[0])

    def add(self, calls, errors):
        for i, span in enumerate(self.trace):
            self.add_span(i, span, calls, errors)

    def add_span(self, i, span, calls, errors):
        def count(parent, child, failed):
            if parent and child:
                calls[parent, child] += 1
                errors[parent, child] += failed

        kind, local = span["kind"], span["localEndpoint"]["serviceName"]
        remote = (span["remoteEndpoint"] or {}).get("serviceName")
        if kind == "CLIENT" and i in self.parents:
            return  # its child knows better
        if kind is None:
            if not remote:
                return
            kind = "CLIENT"
        if kind in ("SERVER", "CONSUMER"):
            parent, child = remote, local
            if self.parents[i] is None and not parent:
                return
        else:
            parent, child = local, remote
        failed = "error" in span["tags"]
        if kind in ("PRODUCER", "CONSUMER"):
            count(parent, child, failed)
            return
        above = self.parents[i]
        while above is not None and self.trace[above]["kind"] is None:
            above = self.parents[above]
        if above is not None:
            ancestor = self.trace[above]
            name = ancestor["localEndpoint"]["serviceName"]
            if kind == "CLIENT" and name != local:
                count(name, local, False)
            if kind == "SERVER" or not parent:
                parent = name
            # One call in two spans: what its client says of it counts.
            if kind == "SERVER" and self.parents[i] == above and ancestor["kind"] == "CLIENT":
                failed = failed or "error" in ancestor["tags"]
        count(parent, child, failed)


class Differential(unittest.TestCase):
    maxDiff = None

    def in_two_parts(self, seed, spans, send, check):
        """The first part is sealed by the end of a service, the rest is in the next one's head."""
        shuffled = list(spans)
        random.Random(seed).shuffle(shuffled)
        with tempfile.TemporaryDirectory(prefix="tracestore-test-") as scratch:
            data = Path(scratch) / "data"
            with Service(PROGRAM, data) as service:
                send(service, shuffled[: len(shuffled) // 2])
                service.stop()
            with Service(PROGRAM, data) as service:
                send(service, shuffled[len(shuffled) // 2:])
                check(service)
                service.stop()

    def test_jaeger(self):
        found = 0
        for seed in range(WORLDS):
            world = JaegerWorld(seed)

            def check(service, world=world, seed=seed):
                nonlocal found
                for number in range(SEARCHES):
                    asked, matches = world.search()
                    expected = world.found(matches, asked["limit"])
                    given = ask(service, "query", "/api/traces", **asked)["data"]
                    self.assertEqual([f"{int(trace['traceID'], 16):032x}" for trace in given],
                                     expected, (seed, number, asked))
                    found += len(expected)
                for lookback, end in ((10_000, 4_000), (1_000, 2_000), (700, 1_500)):
                    end += BEGIN_US // 1000
                    links = ask(service, "query", "/api/dependencies", endTs=end,
                                lookback=lookback)["data"]
                    self.assertEqual({(one["parent"], one["child"]): one["callCount"]
                                      for one in links or []},
                                     dict(world.links(end - lookback, end)), (seed, end))

            self.in_two_parts(seed, world.spans, lambda service, spans: post(
                service, "otlp_http", "/v1/traces", JaegerWorld.otlp(spans)), check)
        self.assertGreater(found, 100 * WORLDS)  # the searches are not all in vain

    def test_zipkin(self):
        found = 0
        for seed in range(WORLDS):
            world = ZipkinWorld(seed)

            def check(service, world=world, seed=seed):
                nonlocal found
                for number in range(SEARCHES):
                    asked, words, pairs = world.search()
                    expected = [trace for trace in world.traces
                                if world.matches(trace, asked, words, pairs)]
                    expected.sort(key=lambda trace: trace[0]["timestamp"], reverse=True)
                    expected = [trace[0]["traceId"] for trace in expected[: asked["limit"]]]
                    given = ask(service, "zipkin", "/api/v2/traces", **asked)
                    self.assertEqual([trace[0]["traceId"] for trace in given], expected,
                                     (seed, number, asked))
                    found += len(expected)
                for lookback, end in ((10_000, 4_000), (1_000, 2_000), (700, 1_500)):
                    end += BEGIN_US // 1000
                    links = ask(service, "zipkin", "/api/v2/dependencies", endTs=end,
                                lookback=lookback)
                    self.assertEqual({(one["parent"], one["child"]): (
                        one["callCount"], one.get("errorCount", 0)) for one in links},
                                     world.links(end - lookback, end), (seed, end))

            self.in_two_parts(
                seed, [span for trace in world.traces for span in trace],
                lambda service, spans: post(service, "zipkin", "/api/v2/spans",
                                            ZipkinWorld.sent(spans)), check)
        self.assertGreater(found, 100 * WORLDS)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
