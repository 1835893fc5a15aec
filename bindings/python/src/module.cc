// The extension module tracestore._core: the public C++ API as plain as it can be. What users see
// is the package around it.
#include <nanobind/nanobind.h>

#include "objects.h"

NB_MODULE(_core, module) {
  module.doc() = "The C++ side of the package tracestore.";
  tracestore::python::BindErrors(module);
  tracestore::python::BindSpans(module);
  tracestore::python::BindTraces(module);
  tracestore::python::BindQueries(module);
  tracestore::python::BindStores(module);
  tracestore::python::BindArrow(module);
}
