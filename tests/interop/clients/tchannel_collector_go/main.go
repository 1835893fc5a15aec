// A collector of Jaeger's old protocol by Uber's own library for TChannel: prints its address, then
// each span that comes as a line of JSON; its strategy is a probability of 0.125 for every service.
//
//	tchannel_collector_go [busy]     busy: the first call is refused
package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"sync"

	"github.com/jaegertracing/jaeger/thrift-gen/jaeger"
	"github.com/jaegertracing/jaeger/thrift-gen/sampling"
	"github.com/uber/tchannel-go"
	"github.com/uber/tchannel-go/thrift"
)

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
	Flags      int32          `json:"flags"`
	Start      int64          `json:"startTime"`
	Duration   int64          `json:"duration"`
	References []reference    `json:"references"`
	Tags       map[string]any `json:"tags"`
	Logs       []event        `json:"logs"`
	Service    string         `json:"service"`
}

func values(tags []*jaeger.Tag) map[string]any {
	out := map[string]any{}
	for _, tag := range tags {
		switch tag.VType {
		case jaeger.TagType_STRING:
			out[tag.Key] = tag.GetVStr()
		case jaeger.TagType_DOUBLE:
			out[tag.Key] = tag.GetVDouble()
		case jaeger.TagType_BOOL:
			out[tag.Key] = tag.GetVBool()
		case jaeger.TagType_LONG:
			out[tag.Key] = tag.GetVLong()
		case jaeger.TagType_BINARY:
			out[tag.Key] = base64.StdEncoding.EncodeToString(tag.GetVBinary())
		}
	}
	return out
}

func told(service string, one *jaeger.Span) span {
	out := span{
		TraceID: fmt.Sprintf("%016x%016x", uint64(one.TraceIdHigh), uint64(one.TraceIdLow)),
		SpanID:  fmt.Sprintf("%016x", uint64(one.SpanId)), Name: one.OperationName,
		Flags: one.Flags, Start: one.StartTime, Duration: one.Duration,
		References: []reference{}, Tags: values(one.Tags), Logs: []event{}, Service: service}
	// The parent's id alone is a child's; where a reference names the parent it says of what kind.
	named := one.ParentSpanId == 0
	for _, each := range one.References {
		named = named || each.SpanId == one.ParentSpanId
	}
	if !named {
		out.References = append(out.References,
			reference{"CHILD_OF", fmt.Sprintf("%016x", uint64(one.ParentSpanId))})
	}
	for _, each := range one.References {
		out.References = append(out.References,
			reference{each.RefType.String(), fmt.Sprintf("%016x", uint64(each.SpanId))})
	}
	for _, each := range one.Logs {
		out.Logs = append(out.Logs, event{each.Timestamp, values(each.Fields)})
	}
	return out
}

type collector struct {
	mutex sync.Mutex
	busy  bool
}

func (c *collector) SubmitBatches(_ thrift.Context, batches []*jaeger.Batch) (
	[]*jaeger.BatchSubmitResponse, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.busy {
		c.busy = false
		return nil, tchannel.ErrServerBusy
	}
	var out []*jaeger.BatchSubmitResponse
	for _, batch := range batches {
		for _, one := range batch.Spans {
			line, err := json.Marshal(told(batch.Process.ServiceName, one))
			if err != nil {
				return nil, err
			}
			fmt.Println(string(line))
		}
		out = append(out, &jaeger.BatchSubmitResponse{Ok: true})
	}
	return out, nil
}

func (c *collector) GetSamplingStrategy(_ thrift.Context, _ string) (
	*sampling.SamplingStrategyResponse, error) {
	return &sampling.SamplingStrategyResponse{
		StrategyType:          sampling.SamplingStrategyType_PROBABILISTIC,
		ProbabilisticSampling: &sampling.ProbabilisticSamplingStrategy{SamplingRate: 0.125},
	}, nil
}

func main() {
	channel, err := tchannel.NewChannel("jaeger-collector", nil)
	if err == nil {
		server := thrift.NewServer(channel)
		own := &collector{busy: len(os.Args) > 1 && os.Args[1] == "busy"}
		server.Register(jaeger.NewTChanCollectorServer(own))
		server.Register(sampling.NewTChanSamplingManagerServer(own))
		err = channel.ListenAndServe("127.0.0.1:0")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(channel.PeerInfo().HostPort)
	select {}
}
