// Sends a few spans with Jaeger's client for Java, by UDP (compact) or HTTP, and prints them as JSON.
//
//   java -cp … JaegerClient udp HOST:PORT | http URL
import com.google.gson.Gson;
import io.jaegertracing.internal.JaegerSpan;
import io.jaegertracing.internal.JaegerTracer;
import io.jaegertracing.internal.LogData;
import io.jaegertracing.internal.reporters.CompositeReporter;
import io.jaegertracing.internal.reporters.InMemoryReporter;
import io.jaegertracing.internal.reporters.RemoteReporter;
import io.jaegertracing.internal.samplers.ConstSampler;
import io.jaegertracing.spi.Sender;
import io.jaegertracing.thrift.internal.senders.HttpSender;
import io.jaegertracing.thrift.internal.senders.UdpSender;
import io.opentracing.References;
import io.opentracing.Span;
import io.opentracing.tag.Tags;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

public class JaegerClient {
  static final String SERVICE = "interop-jaeger-java";

  static Sender sender(String kind, String address) throws Exception {
    if (kind.equals("http")) return new HttpSender.Builder(address).build();
    int colon = address.lastIndexOf(':');
    int port = Integer.parseInt(address.substring(colon + 1));
    return new UdpSender(address.substring(0, colon), port, 0);
  }

  // A span as a reader of any language compares it.
  static Map<String, Object> told(JaegerSpan span) {
    Map<String, Object> out = new HashMap<>();
    out.put("traceID", span.context().getTraceId());
    out.put("spanID", String.format("%016x", span.context().getSpanId()));
    out.put("operationName", span.getOperationName());
    out.put("flags", (int) span.context().getFlags());
    out.put("startTime", span.getStart());
    out.put("duration", span.getDuration());
    out.put("tags", span.getTags());
    out.put("service", SERVICE);
    List<Object> references = new ArrayList<>();
    for (io.jaegertracing.internal.Reference one : span.getReferences()) {
      boolean child = one.getType().equals(References.CHILD_OF);
      references.add(Map.of("refType", child ? "CHILD_OF" : "FOLLOWS_FROM", "spanID",
          String.format("%016x", one.getSpanContext().getSpanId())));
    }
    out.put("references", references);
    List<Object> logs = new ArrayList<>();
    if (span.getLogs() != null) {
      for (LogData log : span.getLogs())
        logs.add(Map.of("timestamp", log.getTime(), "fields", log.getFields()));
    }
    out.put("logs", logs);
    return out;
  }

  public static void main(String[] arguments) throws Exception {
    InMemoryReporter memory = new InMemoryReporter();
    RemoteReporter remote = new RemoteReporter.Builder()
        .withSender(sender(arguments[0], arguments[1])).build();
    JaegerTracer tracer = new JaegerTracer.Builder(SERVICE).withTraceId128Bit()
        .withReporter(new CompositeReporter(memory, remote)).withSampler(new ConstSampler(true))
        .withTag("deployment", "interop").build();
    Span root = tracer.buildSpan("root").withTag("text", "Gr\u00fc\u00dfe-\u65e5\u672c")
        .withTag("int", 42).withTag("negative", -7L).withTag("float", 2.5).withTag("bool", true)
        .withTag(Tags.SPAN_KIND.getKey(), Tags.SPAN_KIND_SERVER).start();
    root.log(Map.of("event", "cache-miss", "tries", 3));
    Span child = tracer.buildSpan("child").asChildOf(root).start();
    Tags.ERROR.set(child, true);
    child.finish();
    tracer.buildSpan("after").addReference(References.FOLLOWS_FROM, root.context()).start().finish();
    tracer.buildSpan("both").asChildOf(root).addReference(References.FOLLOWS_FROM, child.context())
        .start().finish();
    root.finish();
    List<Object> spans = new ArrayList<>();
    for (JaegerSpan span : memory.getSpans()) spans.add(told(span));
    tracer.close();  // sends what waits
    new PrintStream(System.out, true, StandardCharsets.UTF_8).println(new Gson().toJson(spans));
  }
}
