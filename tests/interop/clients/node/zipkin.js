// Sends spans by npm zipkin and prints them as the library had them, as Zipkin v2 JSON.
//   node zipkin.js v1-json|v2-json URL       URL of the server's root
const {
  Annotation, BatchRecorder, ExplicitContext, InetAddress, Tracer,
  jsonEncoder: { JSON_V1, JSON_V2 },
} = require('zipkin');
const { HttpLogger } = require('zipkin-transport-http');

const [mode, url] = process.argv.slice(2);
const logger = new HttpLogger({
  endpoint: `${url}/api/${mode.slice(0, 2)}/spans`,
  jsonEncoder: mode === 'v1-json' ? JSON_V1 : JSON_V2,
  httpInterval: 50,
});
const sent = [];
const endpoint = (of) => of && !of.isEmpty() ? {
  serviceName: of.serviceName, ipv4: of.ipv4, port: of.port,
} : undefined;
const logSpan = logger.logSpan.bind(logger);
logger.logSpan = (span) => {
  sent.push({
    traceId: span.traceId, parentId: span.parentId, id: span.id, name: span.name, kind: span.kind,
    timestamp: Math.floor(span.timestamp), duration: Math.max(Math.floor(span.duration), 1),
    localEndpoint: endpoint(span.localEndpoint), remoteEndpoint: endpoint(span.remoteEndpoint),
    annotations: span.annotations.map(({ timestamp, value }) => (
      { timestamp: Math.floor(timestamp), value })),
    tags: span.tags, debug: span.debug || undefined, shared: span.shared || undefined,
  });
  logSpan(span);
};

const tracer = new Tracer({
  ctxImpl: new ExplicitContext(), recorder: new BatchRecorder({ logger }),
  localServiceName: 'Npm-Zipkin', traceId128Bit: true,
});
const root = tracer.createRootId();
tracer.scoped(() => {
  tracer.setId(root);
  tracer.recordServiceName('Npm-Zipkin');
  tracer.recordRpc('Root-Op');
  tracer.recordAnnotation(new Annotation.ServerRecv());
  tracer.recordAnnotation(
    new Annotation.LocalAddr({ host: new InetAddress('192.168.0.1'), port: 8080 }));
  tracer.recordBinary('http.method', 'GET');
  tracer.recordBinary('uni', 'Grüße-日本');
  tracer.recordMessage('cache-miss');
  tracer.letId(tracer.createChildId(), () => {
    tracer.recordServiceName('Npm-Zipkin');
    tracer.recordRpc('child-op');
    tracer.recordAnnotation(new Annotation.ClientSend());
    tracer.recordBinary('error', 'boom');
    tracer.recordAnnotation(new Annotation.ServerAddr(
      { serviceName: 'mysql', host: new InetAddress('192.168.0.9'), port: 3306 }));
    tracer.recordAnnotation(new Annotation.ClientRecv());
  });
  tracer.letId(tracer.createChildId(), () => {
    tracer.recordServiceName('Npm-Zipkin');
    tracer.recordRpc('send-msg');
    tracer.recordAnnotation(new Annotation.ProducerStart());
    tracer.recordAnnotation(new Annotation.MessageAddr(
      { serviceName: 'kafka', host: new InetAddress('192.168.0.7'), port: 9092 }));
    tracer.recordAnnotation(new Annotation.ProducerStop());
  });
  tracer.setId(root);
  tracer.recordAnnotation(new Annotation.ServerSend());
});
// The logger tells of the answer to a batch, and nothing else of when it is sent.
logger.on('success', () => {
  process.stdout.write(JSON.stringify(sent), () => process.exit(0));
});
logger.on('error', (error) => { console.error(error); process.exit(1); });
setTimeout(() => { console.error('no answer'); process.exit(1); }, 30000);  // the logger's timer keeps nobody
