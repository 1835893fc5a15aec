// Which of two names of one setting counts, where one source has both.
#pragma once
#include <optional>

#include "service/resolve.h"

namespace tracestore::tools {

// Whether `given` counts and not `before`, by another name, which must both say something: Jaeger's
// own choice. Unset: nobody has said which.
std::optional<bool> Prevails(const Given& given, const Given& before);

}  // namespace tracestore::tools
