// TS_TRY and TS_TRY_ASSIGN: early return of an Error. Internal, never installed.
#pragma once
#include <utility>

#include <tracestore/status.h>

#define TS_TRY_CONCAT_INNER(a, b) a##b
#define TS_TRY_CONCAT(a, b) TS_TRY_CONCAT_INNER(a, b)

// TS_TRY(expression giving Status or Result<T>): returns its error from the enclosing function.
#define TS_TRY(expression)                                   \
  do {                                                       \
    if (auto ts_status = (expression); !ts_status.has_value()) \
      return std::move(ts_status).error();                   \
  } while (false)

// TS_TRY_ASSIGN(auto x, expression giving Result<T>).
#define TS_TRY_ASSIGN(declaration, expression) \
  TS_TRY_ASSIGN_INNER(TS_TRY_CONCAT(ts_result_, __LINE__), declaration, expression)
#define TS_TRY_ASSIGN_INNER(result, declaration, expression) \
  auto result = (expression);                                \
  if (!result.has_value()) return std::move(result).error(); \
  declaration = std::move(result).value()
