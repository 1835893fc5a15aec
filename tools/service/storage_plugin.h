// The storage plugin that Jaeger 1.12 to 1.57 starts by itself (SPAN_STORAGE_TYPE=grpc-plugin): the
// methods of a storage back end on a socket that the parent process is told of on standard output.
#pragma once
#include <string_view>

namespace tracestore::tools {

// The name under which `tracestore` is the plugin: hosts pass no command.
inline constexpr std::string_view kStoragePluginName = "tracestore-storage-plugin";

// Whether argv[0] is that name, whatever folder stands before it.
bool IsStoragePlugin(std::string_view program);

// Runs it, until the host says so or is gone. The only flag is `--config FILE`, which may be empty.
// Gives the exit code.
int RunStoragePlugin(int argc, char** argv);

}  // namespace tracestore::tools
