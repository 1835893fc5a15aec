// Asks Jaeger's query services over gRPC by clients generated from our own .proto files, and prints what
// was answered as one JSON object.
//
// Usage: jaeger_query_go ADDRESS SERVICE OPERATION TRACE_ID
package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	v2 "tracestore.example/interop/jaeger_query_go/gen/api_v2"
	v3 "tracestore.example/interop/jaeger_query_go/gen/api_v3"
	tracepb "tracestore.example/interop/jaeger_query_go/gen/opentelemetry/proto/trace/v1"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Everything that a stream gives.
func all[T any](stream grpc.ServerStreamingClient[T], err error) []*T {
	must(err)
	var messages []*T
	for {
		message, err := stream.Recv()
		if err == io.EOF {
			return messages
		}
		must(err)
		messages = append(messages, message)
	}
}

// How a stream that has to fail ends.
func failure[T any](stream grpc.ServerStreamingClient[T], err error) string {
	if err == nil {
		_, err = stream.Recv()
	}
	s := status.Convert(err)
	return fmt.Sprintf("%s: %s", codes.Code(s.Code()), s.Message())
}

// Names of spans by id, and the services of their traces' processes.
func spansOfV2(chunks []*v2.SpansResponseChunk) map[string]string {
	spans := map[string]string{}
	for _, chunk := range chunks {
		for _, span := range chunk.Spans {
			spans[hex.EncodeToString(span.SpanId)] = span.Process.ServiceName + " " + span.OperationName
		}
	}
	return spans
}

func spansOfV3(parts []*tracepb.TracesData) map[string]string {
	spans := map[string]string{}
	for _, part := range parts {
		for _, resource := range part.ResourceSpans {
			service := ""
			for _, attribute := range resource.Resource.Attributes {
				if attribute.Key == "service.name" {
					service = attribute.Value.GetStringValue()
				}
			}
			for _, scope := range resource.ScopeSpans {
				for _, span := range scope.Spans {
					spans[hex.EncodeToString(span.SpanId)] = service + " " + span.Name
				}
			}
		}
	}
	return spans
}

type answers map[string]any

func askV2(ctx context.Context, connection *grpc.ClientConn, service, operation string,
	id []byte, out answers) {
	client := v2.NewQueryServiceClient(connection)
	services, err := client.GetServices(ctx, &v2.GetServicesRequest{})
	must(err)
	operations, err := client.GetOperations(ctx, &v2.GetOperationsRequest{Service: service})
	must(err)
	var names []string
	for _, one := range operations.Operations {
		names = append(names, one.SpanKind+" "+one.Name)
	}
	query := &v2.TraceQueryParameters{
		ServiceName: service, OperationName: operation, SearchDepth: 20,
		StartTimeMin: timestamppb.New(time.Now().Add(-time.Hour)),
		StartTimeMax: timestamppb.New(time.Now().Add(time.Hour)),
	}
	links, err := client.GetDependencies(ctx, &v2.GetDependenciesRequest{
		StartTime: query.StartTimeMin, EndTime: query.StartTimeMax})
	must(err)
	var calls []string
	for _, link := range links.Dependencies {
		calls = append(calls, fmt.Sprintf("%s %s %d", link.Parent, link.Child, link.CallCount))
	}
	out["v2.services"], out["v2.operations"], out["v2.dependencies"] = services.Services, names, calls
	out["v2.find"] = spansOfV2(all(client.FindTraces(ctx, &v2.FindTracesRequest{Query: query})))
	out["v2.get"] = spansOfV2(all(client.GetTrace(ctx, &v2.GetTraceRequest{TraceId: id})))
	out["v2.absent"] = failure(client.GetTrace(ctx, &v2.GetTraceRequest{TraceId: append(make([]byte, 15), 1)}))
	query.DurationMin = durationpb.New(time.Hour)
	out["v2.slow"] = spansOfV2(all(client.FindTraces(ctx, &v2.FindTracesRequest{Query: query})))
}

func askV3(ctx context.Context, connection *grpc.ClientConn, service, operation, id string,
	out answers) {
	client := v3.NewQueryServiceClient(connection)
	services, err := client.GetServices(ctx, &v3.GetServicesRequest{})
	must(err)
	query := &v3.TraceQueryParameters{
		ServiceName: service, OperationName: operation, SearchDepth: 20,
		StartTimeMin: timestamppb.New(time.Now().Add(-time.Hour)),
		StartTimeMax: timestamppb.New(time.Now().Add(time.Hour)),
	}
	out["v3.services"] = services.Services
	out["v3.find"] = spansOfV3(all(client.FindTraces(ctx, &v3.FindTracesRequest{Query: query})))
	out["v3.get"] = spansOfV3(all(client.GetTrace(ctx, &v3.GetTraceRequest{TraceId: id})))
	out["v3.absent"] = failure(client.GetTrace(ctx, &v3.GetTraceRequest{TraceId: "1234"}))
	found := 0
	for _, part := range all(client.FindTraceSummaries(ctx, &v3.FindTraceSummariesRequest{Query: query})) {
		found += len(part.Summaries)
	}
	out["v3.summaries"] = found
}

func main() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "usage: jaeger_query_go ADDRESS SERVICE OPERATION TRACE_ID")
		os.Exit(2)
	}
	service, operation, id := os.Args[2], os.Args[3], os.Args[4]
	bytes, err := hex.DecodeString(id)
	must(err)
	connection, err := grpc.NewClient(os.Args[1],
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(err)
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	out := answers{}
	askV2(ctx, connection, service, operation, bytes, out)
	askV3(ctx, connection, service, operation, id, out)
	must(json.NewEncoder(os.Stdout).Encode(out))
}
