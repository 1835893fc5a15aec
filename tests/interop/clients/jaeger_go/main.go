// Sends a few spans with Jaeger's client for Go, by UDP (compact) or HTTP, and prints them as JSON.
//
//	jaeger_go udp|http ADDRESS
package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/opentracing/opentracing-go"
	"github.com/opentracing/opentracing-go/ext"
	"github.com/opentracing/opentracing-go/log"
	"github.com/uber/jaeger-client-go"
	"github.com/uber/jaeger-client-go/transport"
)

const service = "interop-jaeger-go"

type reference struct {
	Type string `json:"refType"`
	ID   string `json:"spanID"`
}

type event struct {
	Micros int64          `json:"timestamp"`
	Fields map[string]any `json:"fields"`
}

type span struct {
	TraceID    string         `json:"traceID"`
	SpanID     string         `json:"spanID"`
	Name       string         `json:"operationName"`
	Flags      int            `json:"flags"`
	Start      int64          `json:"startTime"`
	Duration   int64          `json:"duration"`
	References []reference    `json:"references"`
	Tags       map[string]any `json:"tags"`
	Logs       []event        `json:"logs"`
	Service    string         `json:"service"`
}

func value(v any) any {
	if bytes, ok := v.([]byte); ok {
		return base64.StdEncoding.EncodeToString(bytes)
	}
	return v
}

// As text, which is what a reader of any language compares.
func told(s *jaeger.Span) span {
	context := s.SpanContext()
	out := span{
		TraceID: context.TraceID().String(), SpanID: context.SpanID().String(),
		Name: s.OperationName(), Flags: int(context.Flags()), Start: s.StartTime().UnixMicro(),
		Duration: s.Duration().Microseconds(), References: []reference{},
		Tags: map[string]any{}, Logs: []event{}, Service: service,
	}
	for key, tag := range s.Tags() {
		out.Tags[key] = value(tag)
	}
	for _, one := range s.References() {
		kind := "CHILD_OF"
		if one.Type == opentracing.FollowsFromRef {
			kind = "FOLLOWS_FROM"
		}
		out.References = append(out.References,
			reference{kind, one.ReferencedContext.(jaeger.SpanContext).SpanID().String()})
	}
	for _, record := range s.Logs() {
		fields := map[string]any{}
		for _, field := range record.Fields {
			if failure, ok := field.Value().(error); ok {
				fields[field.Key()] = failure.Error()
			} else {
				fields[field.Key()] = field.Value()
			}
		}
		out.Logs = append(out.Logs, event{record.Timestamp.UnixMicro(), fields})
	}
	return out
}

func sender(kind, address string) jaeger.Transport {
	if kind == "http" {
		return transport.NewHTTPTransport(address, transport.HTTPBatchSize(1))
	}
	udp, err := jaeger.NewUDPTransport(address, 0)
	if err != nil {
		panic(err)
	}
	return udp
}

func main() {
	memory := jaeger.NewInMemoryReporter()
	remote := jaeger.NewRemoteReporter(sender(os.Args[1], os.Args[2]))
	tracer, closer := jaeger.NewTracer(service, jaeger.NewConstSampler(true),
		jaeger.NewCompositeReporter(memory, remote), jaeger.TracerOptions.Gen128Bit(true),
		jaeger.TracerOptions.Tag("deployment", "interop"))

	root := tracer.StartSpan("root", ext.SpanKindRPCServer, opentracing.Tags{
		"text": "Grüße-日本", "int": 42, "negative": int64(-7), "float": 2.5, "bool": true,
		"bytes": []byte{0, 1, 2, 255}})
	root.SetBaggageItem("customer", "123")
	root.LogFields(log.String("event", "cache-miss"), log.Int("tries", 3), log.Bool("hit", false))
	child := tracer.StartSpan("child", opentracing.ChildOf(root.Context()), ext.SpanKindRPCClient)
	ext.LogError(child, errors.New("boom"))
	child.Finish()
	tracer.StartSpan("after", opentracing.FollowsFrom(root.Context())).Finish()
	tracer.StartSpan("both", opentracing.ChildOf(root.Context()),
		opentracing.FollowsFrom(child.Context())).Finish()
	root.Finish()

	spans := []span{}
	for _, one := range memory.GetSpans() {
		spans = append(spans, told(one.(*jaeger.Span)))
	}
	if err := closer.Close(); err != nil {
		panic(err)
	}
	text, err := json.Marshal(spans)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(text))
}
