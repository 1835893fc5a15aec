// What a user writes first; each of the three ways to get the library builds and runs it.
#include <tracestore/ids.h>

#include <cstdio>

int main() {
  const auto id = tracestore::TraceId::FromHex("4BF92F3577B34DA6A3CE929D0E0E4736");
  if (!id) return 1;
  std::puts(id->ToHex().c_str());
  return 0;
}
