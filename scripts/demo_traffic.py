"""A small shop, traced by the real OpenTelemetry SDK: seven services, errors, slow calls, events,
links between traces, over OTLP/HTTP and OTLP/gRPC.

Usage: demo_traffic.py [--http URL] [--grpc HOST:PORT] [--rate N] [--seed N] [--once N] [--json]

Runs until it is stopped; --once N sends N visits, says what it sent, and exits 1 where an export
failed. A visit's spans carry made-up times that end now, so that a slow call costs no waiting.
"""

import argparse
import json
import random
import signal
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Link, SpanKind, Status, StatusCode

# Half of them speak gRPC, half HTTP.
SERVICES = {
    "frontend": "http",
    "catalog": "grpc",
    "cart": "http",
    "checkout": "grpc",
    "payment": "http",
    "shipping": "grpc",
    "fulfilment": "http",
}
PRODUCTS = ["lamp", "kettle", "teapot", "chair", "mirror", "blanket", "clock", "vase"]


class CountingExporter(SpanExporter):
    """Hands on to the real exporter and counts what became of the spans."""

    def __init__(self, exporter, counts):
        self._exporter = exporter
        self._counts = counts

    def export(self, spans):
        result = self._exporter.export(spans)
        self._counts["sent" if result is SpanExportResult.SUCCESS else "failed"] += len(spans)
        return result

    def shutdown(self):
        self._exporter.shutdown()

    def force_flush(self, timeout_millis=30000):
        return self._exporter.force_flush(timeout_millis)


class Shop:
    """Makes the spans of one visit after the other. `now` is the made-up clock, in nanoseconds."""

    def __init__(self, http, grpc, seed):
        self.random = random.Random(seed)
        self.counts = Counter()  # spans: sent, failed
        self.spans_by_trace = Counter()
        self.now = 0
        self.providers = {}
        for number, (service, protocol) in enumerate(SERVICES.items()):
            resource = Resource.create(
                {
                    "service.name": service,
                    "service.version": f"1.{number}.0",
                    "deployment.environment": "demo",
                    "host.name": f"node-{number % 3}",
                    "k8s.pod.name": f"{service}-7f{number}c-0",
                }
            )
            if protocol == "http":
                exporter = HttpExporter(endpoint=f"{http}/v1/traces")
            else:
                exporter = GrpcExporter(endpoint=grpc, insecure=True)
            provider = TracerProvider(resource=resource, shutdown_on_exit=False)
            provider.add_span_processor(
                BatchSpanProcessor(
                    CountingExporter(exporter, self.counts), schedule_delay_millis=500
                )
            )
            self.providers[service] = provider

    @contextmanager
    def span(self, service, name, kind, parent=None, links=(), **attributes):
        """A span from here to the end of the block. Double underscores in names become dots."""
        context = trace.set_span_in_context(parent) if parent else None
        span = self.providers[service].get_tracer(f"shop.{service}", "1.0").start_span(
            name,
            context=context,
            kind=kind,
            links=links,
            start_time=self.now,
            attributes={key.replace("__", "."): value for key, value in attributes.items()},
        )
        self.spans_by_trace[f"{span.get_span_context().trace_id:032x}"] += 1
        try:
            yield span
        finally:
            span.end(end_time=self.now)

    def spend(self, typical_ms):
        """Lets time pass: about `typical_ms`, with a long tail."""
        self.now += int(self.random.lognormvariate(0.0, 0.6) * typical_ms * 1e6)

    @contextmanager
    def call(self, caller, callee, method, parent):
        """A remote call: a client span at the caller, a server span at the callee."""
        with self.span(
            caller, method, SpanKind.CLIENT, parent, rpc__system="grpc", rpc__method=method
        ) as client:
            self.spend(0.4)
            with self.span(
                callee, method, SpanKind.SERVER, client, rpc__system="grpc", rpc__method=method
            ) as server:
                self.spend(0.3)
                yield server
            self.spend(0.4)

    def query(self, service, statement, parent, typical_ms=1.5):
        with self.span(
            service,
            statement.split(" ")[0],
            SpanKind.CLIENT,
            parent,
            db__system="postgresql",
            db__statement=statement,
        ):
            self.spend(typical_ms)

    def browse(self):
        product = self.random.choice(PRODUCTS)
        with self.span(
            "frontend",
            "GET /products/{name}",
            SpanKind.SERVER,
            http__request__method="GET",
            http__route="/products/{name}",
            url__path=f"/products/{product}?visit={self.random.getrandbits(32):08x}",
        ) as page:
            self.spend(1)
            with self.call("frontend", "catalog", "Catalog/Get", page) as server:
                number = self.random.randrange(5000)
                self.query("catalog", f"SELECT * FROM product WHERE id = {number}", server)
                if self.random.random() < 0.03:
                    server.add_event(
                        "cache.miss", {"cache.key": f"product:{number}"}, timestamp=self.now
                    )
                    self.query("catalog", "SELECT * FROM product_slow_path", server, 180)
            missing = self.random.random() < 0.04
            page.set_attribute("http.response.status_code", 404 if missing else 200)
            self.spend(2)

    def buy(self):
        """Returns the context of the published order, for the trace that handles it."""
        order = f"{self.random.getrandbits(48):012x}"
        items = [self.random.choice(PRODUCTS) for _ in range(self.random.randint(1, 4))]
        with self.span(
            "frontend",
            "POST /checkout",
            SpanKind.SERVER,
            http__request__method="POST",
            http__route="/checkout",
            shop__order=order,
        ) as page:
            self.spend(2)
            with self.call("frontend", "checkout", "Checkout/Place", page) as place:
                place.set_attribute("shop.items", items)
                with self.call("checkout", "cart", "Cart/Get", place) as cart:
                    self.query("cart", "SELECT * FROM cart WHERE visitor = $1", cart)
                paid = self.pay(place, order)
                published = self.ship(place, order) if paid else None
            page.set_attribute("http.response.status_code", 200 if paid else 402)
            if not paid:
                page.set_status(Status(StatusCode.ERROR, "payment refused"))
            self.spend(1)
        return published

    def pay(self, parent, order):
        amount = round(self.random.uniform(5, 400), 2)
        with self.call("checkout", "payment", "Payment/Charge", parent) as server:
            server.set_attributes({"payment.amount": amount, "payment.order": order})
            self.spend(25)
            if self.random.random() < 0.06:
                server.record_exception(
                    TimeoutError(f"no answer from the bank for order {order}"), timestamp=self.now
                )
                server.set_status(Status(StatusCode.ERROR, "bank timeout"))
                self.spend(900)
                return False
            server.add_event("charged", {"payment.amount": amount}, timestamp=self.now)
        return True

    def ship(self, parent, order):
        with self.call("checkout", "shipping", "Shipping/Quote", parent):
            self.spend(700 if self.random.random() < 0.05 else 12)
        with self.span(
            "checkout",
            "orders publish",
            SpanKind.PRODUCER,
            parent,
            messaging__system="kafka",
            messaging__destination__name="orders",
            shop__order=order,
        ) as producer:
            self.spend(1)
            return producer.get_span_context()

    def fulfil(self, order_context):
        """Another trace: it handles the order later, and links to the span that published it."""
        self.now += 40_000_000
        with self.span(
            "fulfilment",
            "orders process",
            SpanKind.CONSUMER,
            links=[Link(order_context, {"messaging.operation": "process"})],
            messaging__system="kafka",
            messaging__batch__message_count=1,
        ) as consumer:
            self.spend(3)
            with self.call("fulfilment", "shipping", "Shipping/Book", consumer) as server:
                self.query("shipping", "INSERT INTO parcel VALUES ($1, $2)", server, 4)

    def visit(self):
        self.now = time.time_ns() - 2_000_000_000
        if self.random.random() < 0.6:
            self.browse()
            return
        published = self.buy()
        if published is not None:
            self.fulfil(published)

    def flush(self):
        for provider in self.providers.values():
            provider.force_flush()

    def close(self):
        for provider in self.providers.values():
            provider.shutdown()


def main():
    parser = argparse.ArgumentParser(description="Sends the traces of a small shop.")
    parser.add_argument("--http", default="http://127.0.0.1:4318", help="OTLP/HTTP base URL")
    parser.add_argument("--grpc", default="127.0.0.1:4317", help="OTLP/gRPC address")
    parser.add_argument("--rate", type=float, default=5, help="visits a second")
    parser.add_argument("--seed", type=int, default=None, help="the same visits each time")
    parser.add_argument("--once", type=int, default=None, metavar="N", help="send N visits, exit")
    parser.add_argument("--json", action="store_true", help="say what was sent as JSON")
    arguments = parser.parse_args()

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())

    shop = Shop(arguments.http, arguments.grpc, arguments.seed)
    visits = 0
    while not stop.is_set() and (arguments.once is None or visits < arguments.once):
        shop.visit()
        visits += 1
        if arguments.once is None:
            shop.spans_by_trace.clear()  # only --once reports them
            stop.wait(shop.random.expovariate(arguments.rate))
        elif visits % 100 == 0:
            shop.flush()  # the SDK's queue drops what is more than 2,048 spans behind
    shop.close()

    sent, failed = shop.counts["sent"], shop.counts["failed"]
    if arguments.json:
        print(json.dumps({"sent": sent, "failed": failed, "spans_by_trace": shop.spans_by_trace}))
    else:
        print(f"{visits} visits: {sent} spans sent, {failed} failed")
    lost = arguments.once is not None and sent != shop.spans_by_trace.total()
    return 1 if failed or lost else 0


if __name__ == "__main__":
    sys.exit(main())
