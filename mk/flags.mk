# SPDX-License-Identifier: GPL-2.0-or-later
# Compiler flags shared by all components. WERROR= (empty) turns warnings back into warnings.
CC ?= gcc
ifeq ($(origin CC),default)
CC := gcc
endif
CLANG ?= clang
WERROR ?= -Werror
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla $(WERROR)
# for the hypervisor and everything that parses untrusted bytes
WARN_STRICT := $(WARN) -Wconversion
# programs and libraries that ship
CFLAGS_USER := -std=c11 -D_GNU_SOURCE -O2 -g -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE -MMD -MP $(WARN)
LDFLAGS_USER := -pie -Wl,-z,relro,-z,now
# host unit tests and fuzzers
CFLAGS_SAN := -std=c11 -D_GNU_SOURCE -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
	-fno-sanitize-recover=all -MMD -MP $(WARN)
CFLAGS_FUZZ := -std=c11 -D_GNU_SOURCE -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
# how long each fuzzer runs inside `make check` (executions); the long runs set it by hand
FUZZ_RUNS ?= 20000
