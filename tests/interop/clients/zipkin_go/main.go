// Sends spans by gRPC to zipkin.proto3.SpanService/Report, with the messages that
// openzipkin/zipkin-go generates from Zipkin's own definition, and prints them as Zipkin v2 JSON.
//
//	zipkin_go HOST:PORT
package main

import (
	"context"
	"encoding/json"
	"log"
	"net"
	"os"
	"time"

	"github.com/openzipkin/zipkin-go/model"
	"github.com/openzipkin/zipkin-go/proto/zipkin_proto3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

func main() {
	start := time.Now().Truncate(time.Microsecond)
	parent := model.ID(2)
	local := &model.Endpoint{ServiceName: "go-zipkin", IPv4: net.IPv4(192, 168, 0, 1), Port: 8080}
	trace := model.TraceID{High: uint64(start.UnixNano()), Low: 0xfedcba9876543210}
	spans := []*model.SpanModel{
		{
			SpanContext:   model.SpanContext{TraceID: trace, ID: parent, Debug: true},
			Name:          "root-op",
			Kind:          model.Server,
			Timestamp:     start,
			Duration:      1500 * time.Microsecond,
			Shared:        true,
			LocalEndpoint: local,
			Annotations:   []model.Annotation{{Timestamp: start.Add(time.Millisecond), Value: "cache-miss"}},
			Tags:          map[string]string{"http.method": "GET", "uni": "Grüße-日本", "empty": ""},
		},
		{
			SpanContext:    model.SpanContext{TraceID: trace, ID: 3, ParentID: &parent},
			Name:           "child-op",
			Kind:           model.Client,
			Timestamp:      start.Add(100 * time.Microsecond),
			Duration:       700 * time.Microsecond,
			LocalEndpoint:  local,
			RemoteEndpoint: &model.Endpoint{ServiceName: "mysql", IPv6: net.ParseIP("2001:db8::c001"), Port: 3306},
			Tags:           map[string]string{"error": "boom"},
		},
		{
			SpanContext:   model.SpanContext{TraceID: model.TraceID{Low: uint64(start.UnixNano())}, ID: 4},
			Name:          "consume",
			Kind:          model.Consumer,
			Timestamp:     start,
			LocalEndpoint: local,
		},
	}
	body, err := zipkin_proto3.SpanSerializer{}.Serialize(spans)
	if err != nil {
		log.Fatal(err)
	}
	connection, err := grpc.NewClient(os.Args[1], grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(raw{})))
	if err != nil {
		log.Fatal(err)
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var answer []byte
	if err := connection.Invoke(ctx, "/zipkin.proto3.SpanService/Report", &body, &answer); err != nil {
		log.Fatal(err)
	}
	if len(answer) != 0 {
		log.Fatalf("a ReportResponse has no fields, got % x", answer)
	}
	// What can't be read is refused by the whole message.
	bad := append([]byte{0x0a, 0x02, 0x1a, 0x00}, body...)
	if err := connection.Invoke(ctx, "/zipkin.proto3.SpanService/Report", &bad, &answer); err == nil {
		log.Fatal("a span without ids was taken")
	}
	if err := json.NewEncoder(os.Stdout).Encode(spans); err != nil {
		log.Fatal(err)
	}
}

// raw passes the serializer's bytes on.
type raw struct{}

func (raw) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }
func (raw) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = append([]byte(nil), data...)
	return nil
}
func (raw) Name() string { return "proto" }
