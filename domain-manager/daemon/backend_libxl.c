#include "backend.h"
const struct backend_ops backend_libxl = {.name = "libxl"};
