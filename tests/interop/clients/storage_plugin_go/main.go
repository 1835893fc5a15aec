// Starts a storage plugin as Jaeger 1.12 to 1.57 does, by HashiCorp's go-plugin, and makes the calls that
// it reads from standard input: a JSON object a line, one a line as the answer.
//
//	storage_plugin_go PLUGIN CONFIG
//
//	{"op":"call","method":"/package.Service/Method","messages":["base64",…]}
//	    → {"code":"OK","message":"","messages":["base64",…]}
//	{"op":"ping"}   → {"message":"what is wrong, or nothing"}
//	{"op":"kill"}   → {"message":"exited"}, after go-plugin's own end
//	{"op":"vanish"} → none: the host dies without a word to its plugin
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
)

type request struct {
	Op       string   `json:"op"`
	Method   string   `json:"method"`
	Messages [][]byte `json:"messages"`
}

type answer struct {
	Code     string   `json:"code"`
	Message  string   `json:"message"`
	Messages [][]byte `json:"messages"`
}

// Messages are bytes here; who asks has made them.
type rawCodec struct{}

func (rawCodec) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }
func (rawCodec) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = append([]byte(nil), data...)
	return nil
}
func (rawCodec) Name() string { return "proto" }

type storagePlugin struct{ plugin.NetRPCUnsupportedPlugin }

func (storagePlugin) GRPCServer(*plugin.GRPCBroker, *grpc.Server) error { return nil }
func (storagePlugin) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, connection *grpc.ClientConn) (any, error) {
	return connection, nil
}

// Any kind of call: all messages are sent, then all are read.
func call(connection *grpc.ClientConn, r request) answer {
	fail := func(err error, got [][]byte) answer {
		s := status.Convert(err)
		return answer{Code: s.Code().String(), Message: s.Message(), Messages: got}
	}
	stream, err := connection.NewStream(context.Background(),
		&grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, r.Method, grpc.ForceCodec(rawCodec{}))
	if err != nil {
		return fail(err, nil)
	}
	for i := range r.Messages {
		if err := stream.SendMsg(&r.Messages[i]); err != nil {
			break // what is wrong is told by reading
		}
	}
	if err := stream.CloseSend(); err != nil {
		return fail(err, nil)
	}
	got := [][]byte{}
	for {
		var message []byte
		if err := stream.RecvMsg(&message); errors.Is(err, io.EOF) {
			return answer{Code: "OK", Messages: got}
		} else if err != nil {
			return fail(err, got)
		}
		got = append(got, message)
	}
}

func run(binary, config string) error {
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig: plugin.HandshakeConfig{MagicCookieKey: "STORAGE_PLUGIN", MagicCookieValue: "jaeger"},
		VersionedPlugins: map[int]plugin.PluginSet{1: {"storage_plugin": storagePlugin{}}},
		Cmd:              exec.Command(binary, "--config", config),
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		Logger:           hclog.New(&hclog.LoggerOptions{Level: hclog.Info, Output: os.Stderr}),
	})
	protocol, err := client.Client()
	if err != nil {
		return err
	}
	raw, err := protocol.Dispense("storage_plugin")
	if err != nil {
		client.Kill()
		return err
	}
	answers := json.NewEncoder(os.Stdout)
	if err := answers.Encode(map[string]int{"pid": client.ReattachConfig().Pid}); err != nil {
		return err
	}
	lines := bufio.NewReaderSize(os.Stdin, 1<<20)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			client.Kill()
			return nil
		}
		var r request
		if err := json.Unmarshal(line, &r); err != nil {
			return err
		}
		var a answer
		switch r.Op {
		case "call":
			a = call(raw.(*grpc.ClientConn), r)
		case "ping":
			if err := protocol.Ping(); err != nil {
				a.Message = err.Error()
			}
		case "kill":
			client.Kill()
			if client.Exited() {
				a.Message = "exited"
			}
		case "vanish":
			os.Exit(1)
		}
		if err := answers.Encode(a); err != nil {
			return err
		}
	}
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: storage_plugin_go PLUGIN CONFIG")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
