// Jaeger's protobuf through protobuf's generated classes: slow and obvious, what the decoder is
// held to. For tests only.
#pragma once
#include <string>
#include <string_view>

namespace tracestore::codec {

// Decodes a PostSpansRequest both ways. "" where they agree, else how they differ. They agree where
// they give equal spans and the same report but for the sentence. What protobuf alone refuses (text
// that is no UTF-8, groups) is not compared.
std::string CompareJaegerProtobufDecoders(std::string_view message);

// protobuf writes a line for each text that is no UTF-8.
void SilenceJaegerProtobufLog();

}  // namespace tracestore::codec
