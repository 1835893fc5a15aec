// Sends spans by gRPC to zipkin.proto3.SpanService/Report, with the messages that
// openzipkin/zipkin-go generates from Zipkin's own definition, and prints them as Zipkin v2 JSON.
//
// With the certificate of a CA it speaks TLS, and sends a second trace as JSON over HTTP/2, of which
// Go's own client offers nothing else, as gRPC's does.
//
//	zipkin_go HOST:PORT [CA]
package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/openzipkin/zipkin-go/model"
	"github.com/openzipkin/zipkin-go/proto/zipkin_proto3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

func main() {
	spans := makeSpans(time.Now().Truncate(time.Microsecond))
	if len(os.Args) < 3 {
		sendByGrpc(spans, insecure.NewCredentials())
	} else {
		trust := &tls.Config{RootCAs: authorities(os.Args[2])}
		sendByGrpc(spans, credentials.NewTLS(trust))
		more := makeSpans(time.Now().Truncate(time.Microsecond).Add(time.Hour))
		sendByHttp2(more, trust)
		spans = append(spans, more...)
	}
	if err := json.NewEncoder(os.Stdout).Encode(spans); err != nil {
		log.Fatal(err)
	}
}

func authorities(file string) *x509.CertPool {
	pem, err := os.ReadFile(file)
	if err != nil {
		log.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		log.Fatalf("no certificate in %s", file)
	}
	return pool
}

func sendByHttp2(spans []*model.SpanModel, trust *tls.Config) {
	body, err := json.Marshal(spans)
	if err != nil {
		log.Fatal(err)
	}
	alone := new(http.Protocols)
	alone.SetHTTP2(true)
	client := &http.Client{
		Transport: &http.Transport{TLSClientConfig: trust, Protocols: alone},
		Timeout:   time.Minute,
	}
	answer, err := client.Post("https://"+os.Args[1]+"/api/v2/spans", "application/json", bytes.NewReader(body))
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.ProtoMajor != 2 || answer.StatusCode != http.StatusAccepted {
		log.Fatalf("%s over %s, grpc-status %q", answer.Status, answer.Proto, answer.Header.Get("grpc-status"))
	}
}

func makeSpans(start time.Time) []*model.SpanModel {
	parent := model.ID(2)
	local := &model.Endpoint{ServiceName: "go-zipkin", IPv4: net.IPv4(192, 168, 0, 1), Port: 8080}
	trace := model.TraceID{High: uint64(start.UnixNano()), Low: 0xfedcba9876543210}
	return []*model.SpanModel{
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
}

func sendByGrpc(spans []*model.SpanModel, as credentials.TransportCredentials) {
	body, err := zipkin_proto3.SpanSerializer{}.Serialize(spans)
	if err != nil {
		log.Fatal(err)
	}
	connection, err := grpc.NewClient(os.Args[1], grpc.WithTransportCredentials(as),
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
}

// raw passes the serializer's bytes on.
type raw struct{}

func (raw) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }
func (raw) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = append([]byte(nil), data...)
	return nil
}
func (raw) Name() string { return "proto" }
