// Sends spans by OpenTelemetry's exporters for Node and prints them as the SDK had them.
//   node otel.js otlp-grpc|otlp-http-json|otlp-http-proto|zipkin URL
const { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } = require('@opentelemetry/api');
const { resourceFromAttributes } = require('@opentelemetry/resources');
const {
  BasicTracerProvider, BatchSpanProcessor, InMemorySpanExporter, SimpleSpanProcessor,
} = require('@opentelemetry/sdk-trace-base');

const [mode, url] = process.argv.slice(2);
const make = {
  'otlp-grpc': () => new (require('@opentelemetry/exporter-trace-otlp-grpc').OTLPTraceExporter)({ url }),
  'otlp-http-json': () => new (require('@opentelemetry/exporter-trace-otlp-http').OTLPTraceExporter)({ url }),
  'otlp-http-proto': () => new (require('@opentelemetry/exporter-trace-otlp-proto').OTLPTraceExporter)({ url }),
  zipkin: () => new (require('@opentelemetry/exporter-zipkin').ZipkinExporter)({ url }),
};
const target = make[mode]();
let refused = null;
const send = target.export.bind(target);
target.export = (spans, done) => send(spans, (result) => {
  if (result.code !== 0) refused = result.error || result;
  done(result);
});
const kept = new InMemorySpanExporter();
const provider = new BasicTracerProvider({
  resource: resourceFromAttributes({
    'service.name': `node-${mode}`, 'service.version': '1.2.3', 'res.list': ['a', 'b'],
  }),
  spanProcessors: [new BatchSpanProcessor(target), new SimpleSpanProcessor(kept)],
});
const tracer = provider.getTracer('interop', '0.1');

const root = tracer.startSpan('Root-Op', {
  kind: SpanKind.SERVER,
  attributes: {
    'http.method': 'GET', 'n.int': 42, 'n.float': 2.5, 'n.bool': true, 'n.neg': -7,
    uni: 'Grüße-日本', arr: [1, 2, 3],
  },
});
root.addEvent('cache-miss', { key: 'k1', tries: 3 });
const child = tracer.startSpan('child-op', { kind: SpanKind.CLIENT }, trace.setSpan(ROOT_CONTEXT, root));
child.addEvent('retry');
child.setStatus({ code: SpanStatusCode.ERROR, message: 'boom' });
child.end();
tracer.startSpan('followup-op', {
  kind: SpanKind.CONSUMER, links: [{ context: root.spanContext(), attributes: { why: 'follows' } }],
}, ROOT_CONTEXT).end();
tracer.startSpan('inside', {}, trace.setSpan(ROOT_CONTEXT, root)).end();
root.end();

const nanos = ([seconds, rest]) => (BigInt(seconds) * 1000000000n + BigInt(rest)).toString();
const shown = (span) => ({
  traceId: span.spanContext().traceId,
  spanId: span.spanContext().spanId,
  parentSpanId: span.parentSpanContext ? span.parentSpanContext.spanId : '',
  name: span.name,
  kind: span.kind + 1, // OTLP's number
  start: nanos(span.startTime),
  end: nanos(span.endTime),
  attributes: span.attributes,
  events: span.events.map((e) => ({ time: nanos(e.time), name: e.name, attributes: e.attributes || {} })),
  links: span.links.map((l) => ({ traceId: l.context.traceId, spanId: l.context.spanId, attributes: l.attributes || {} })),
  status: span.status,
  resource: span.resource.attributes,
  scope: { name: span.instrumentationScope.name, version: span.instrumentationScope.version },
});
provider.forceFlush().then(() => {
  if (refused) { console.error(refused); process.exit(1); }
  process.stdout.write(JSON.stringify(kept.getFinishedSpans().map(shown)), () => process.exit(0));
}, (error) => { console.error(error); process.exit(1); });
