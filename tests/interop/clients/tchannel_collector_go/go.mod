module tracestore.example/interop/tchannel_collector_go

go 1.24

require (
	github.com/jaegertracing/jaeger v1.17.1
	github.com/uber/tchannel-go v1.16.0
)

require (
	github.com/apache/thrift v0.0.0-20151001171628-53dd39833a08 // indirect
	github.com/opentracing/opentracing-go v1.1.0 // indirect
	go.uber.org/atomic v1.5.1 // indirect
	golang.org/x/lint v0.0.0-20200130185559-910be7a94367 // indirect
	golang.org/x/net v0.0.0-20200202094626-16171245cfb2 // indirect
	golang.org/x/sys v0.0.0-20200217220822-9197077df867 // indirect
	golang.org/x/tools v0.0.0-20200227222343-706bc42d1f0d // indirect
)
