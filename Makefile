# nasweep: `make demo` and `make check` are all a newcomer needs; `make info` shows what was found.
# Options: V=1 (whole commands), DEBUG=1, ASAN=1 (AddressSanitizer and UBSan), CC=clang, PREFIX=, DESTDIR=.

PREFIX ?= /usr/local
PYTHON ?= /usr/bin/python3
NP ?= 2
BUILD := build$(if $(ASAN),-asan)$(if $(DEBUG),-debug)
VERSION := $(shell sed -n 's/^#define NSW_VERSION "\(.*\)"/\1/p' include/nasweep/version.h)
GIT := $(shell git describe --always --dirty 2>/dev/null || echo unknown)

# ---- what is on this machine: pkg-config first, then the library's own compiler wrapper ----
MPICC ?= mpicc
PKG := pkg-config
MPI_CFLAGS := $(shell $(PKG) --cflags ompi-c 2>/dev/null || $(MPICC) --showme:compile 2>/dev/null)
MPI_LIBS := $(shell $(PKG) --libs ompi-c 2>/dev/null || $(MPICC) --showme:link 2>/dev/null)
HDF5_PC := $(firstword $(foreach p,hdf5 hdf5-serial hdf5-openmpi,$(shell $(PKG) --exists $(p) 2>/dev/null && echo $(p))))
HDF5_WRAPPER := $(firstword $(shell command -v h5cc 2>/dev/null) $(shell command -v h5pcc 2>/dev/null))
HDF5_CFLAGS := $(if $(HDF5_PC),$(shell $(PKG) --cflags $(HDF5_PC)),$(if $(HDF5_WRAPPER),$(filter -I% -D%,$(shell $(HDF5_WRAPPER) -show))))
HDF5_LIBS := $(if $(HDF5_PC),$(shell $(PKG) --libs $(HDF5_PC)),$(if $(HDF5_WRAPPER),$(filter -L% -l% %.a %.so,$(shell $(HDF5_WRAPPER) -show))))
BLAS_CFLAGS := $(shell $(PKG) --cflags openblas 2>/dev/null)
BLAS_LIBS := $(shell $(PKG) --libs openblas 2>/dev/null || echo -lopenblas)
OTHER_PC := zlib jansson liblzma
OTHER_CFLAGS := $(shell $(PKG) --cflags $(OTHER_PC) 2>/dev/null)
OTHER_LIBS := $(shell $(PKG) --libs $(OTHER_PC) 2>/dev/null || echo -lz -ljansson -llzma) -lbz2 -linih

# ---- flags ----
CPPFLAGS += -Iinclude -Isrc $(MPI_CFLAGS) $(HDF5_CFLAGS) $(BLAS_CFLAGS) $(OTHER_CFLAGS) -D_GNU_SOURCE
CFLAGS ?= $(if $(DEBUG),-O0 -g3,-O3 -g)
override CFLAGS += -std=c11 -Wall -Wextra -fno-math-errno -MMD -MP
ifdef ASAN
override CFLAGS += -fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=undefined
override LDFLAGS += -fsanitize=address,undefined
endif
LDLIBS += $(HDF5_LIBS) $(MPI_LIBS) $(BLAS_LIBS) $(OTHER_LIBS) -lpthread -ldl -lm

# ---- sources: every src/CONCERN/*.c is in the library but main.c; *_simd.c is compiled once for each ISA ----
SRC := $(filter-out src/cli/main.c,$(wildcard src/*/*.c))
SIMD := $(filter %_simd.c,$(SRC))
PLAIN := $(filter-out $(SIMD),$(SRC))
# Instruction sets of the compiler's architecture, each "name:flag,flag", from the list in src/base/isa.h.
ISA_TABLE := $(shell echo 'NSW_ISA_TABLE NSW_ISA_LIST(NSW_ISA_BUILD,,)' | $(CC) -Isrc -include base/isa.h -E -P -xc - 2>/dev/null | \
  sed -n 's/^NSW_ISA_TABLE//p' | tr -d ' ' | tr ';' ' ')
ISAS := $(foreach i,$(ISA_TABLE),$(firstword $(subst :, ,$(i))))
comma := ,
isa_flags = $(subst $(comma), ,$(patsubst $(1):%,%,$(filter $(1):%,$(ISA_TABLE))))
OBJ := $(PLAIN:src/%.c=$(BUILD)/obj/%.o) $(foreach i,$(ISAS),$(SIMD:src/%.c=$(BUILD)/obj/%_$(i).o))
LIB := $(BUILD)/libnasweep.a
TESTS := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/test_*.c))
TOOLS := $(patsubst tests/lib/%.c,$(BUILD)/tests/%,$(wildcard tests/lib/*.c))
BENCHES := $(patsubst tests/bench/%.c,$(BUILD)/tests/%,$(wildcard tests/bench/bench_*.c))
FUZZERS := $(patsubst tests/fuzz/%.c,$(BUILD)/tests/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SECONDS ?= 60

ifeq ($(V),1)
Q :=
say = @:
else
Q := @
say = @printf '  %-6s %s\n'
endif

.PHONY: all demo report check bench fuzz fuzzers info setup-run setup-check install clean tests programs format format-check dist deb FORCE
.DELETE_ON_ERROR:
.SECONDARY:
all: $(BUILD)/nasweep

$(BUILD)/nasweep: $(BUILD)/obj/cli/main.o $(LIB)
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -rdynamic -o $@ $< -Wl,--whole-archive $(LIB) -Wl,--no-whole-archive $(LDLIBS)

$(LIB): $(OBJ)
	$(say) AR $@
	$(Q)rm -f $@ && $(AR) qcs $@ $^

$(BUILD)/obj/%.o: src/%.c
	@mkdir -p $(@D)
	$(say) CC $<
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

# -std=c11 forbids fused multiply-adds; the network's kernels live by them.
define simd_rule
$(BUILD)/obj/%_simd_$(1).o: src/%_simd.c
	@mkdir -p $$(@D)
	$$(say) CC "$$< ($(1))"
	$$(Q)$$(CC) $$(CPPFLAGS) $$(CFLAGS) $$(if $$(filter src/net/%,$$<),-ffp-contract=fast) $(call isa_flags,$(1)) -DNSW_ISA=$(1) -DNSW_ISA_$(1)=1 -c -o $$@ $$<
endef
$(foreach i,$(ISAS),$(eval $(call simd_rule,$(i))))

# Only this object knows the commit; rewritten when that changes, so that nothing else is compiled again.
$(BUILD)/git_version.h: FORCE
	@mkdir -p $(@D)
	@printf '#define NSW_GIT "%s"\n' '$(GIT)' > $@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi
$(BUILD)/obj/base/version.o: CPPFLAGS += -I$(BUILD)
$(BUILD)/obj/base/version.o: $(BUILD)/git_version.h

$(BUILD)/tests/%: tests/unit/%.c $(LIB)
	@mkdir -p $(@D)
	$(say) TEST $<
	$(Q)$(CC) $(CPPFLAGS) -Itests/lib $(CFLAGS) $(LDFLAGS) -MF $@.dep -o $@ $< $(LIB) -lcmocka $(LDLIBS)
$(BUILD)/tests/%: tests/lib/%.c $(LIB)
	@mkdir -p $(@D)
	$(say) TEST $<
	$(Q)$(CC) $(CPPFLAGS) -Itests/lib $(CFLAGS) $(LDFLAGS) -MF $@.dep -o $@ $< $(LIB) $(LDLIBS)
$(BUILD)/tests/bench_%: tests/bench/bench_%.c $(LIB)
	@mkdir -p $(@D)
	$(say) BENCH $<
	$(Q)$(CC) $(CPPFLAGS) -Itests/lib $(CFLAGS) $(LDFLAGS) -MF $@.dep -o $@ $< $(LIB) $(LDLIBS)

$(BUILD)/tests/fuzz_%: tests/fuzz/fuzz_%.c $(LIB)
	@mkdir -p $(@D)
	$(say) FUZZ $<
	$(Q)$(CC) $(CPPFLAGS) -Itests/lib $(CFLAGS) -fsanitize=fuzzer $(LDFLAGS) -MF $@.dep -o $@ $< $(LIB) $(LDLIBS)

programs: $(BUILD)/nasweep
tests: $(TESTS) $(TOOLS)

# ---- the two commands of the README; setup runs first, and the build in a second make that sees what it installed ----
demo:
	@.ci/setup run
	@$(MAKE) --no-print-directory -j$(NP) programs
	@BUILD=$(BUILD) PYTHON=$(PYTHON) NP=$(NP) tests/demo

# A page about each space that the demo scored, into results/; the demo is run where it has not been.
report:
	@.ci/setup run
	@[ -f results/nb201.h5 ] && [ -f results/nb101.h5 ] || $(MAKE) --no-print-directory demo
	@$(MAKE) --no-print-directory -j$(NP) programs
	@BUILD=$(BUILD) PYTHON=$(PYTHON) NP=$(NP) tests/report_demo

check:
	@.ci/setup check
	@$(MAKE) --no-print-directory -j$(NP) programs tests
	@BUILD=$(BUILD) ASAN=$(ASAN) $(PYTHON) tests/run

# ---- installing: what the tables of the program say, as man page and completion ----
$(BUILD)/nasweep.1: $(BUILD)/nasweep
	$(say) MAN $@
	$(Q)$< help --man > $@
$(BUILD)/nasweep.bash: $(BUILD)/nasweep
	$(Q)$< help --completion bash > $@
$(BUILD)/nasweep.pc: FORCE
	@mkdir -p $(@D)
	$(Q)printf '%s\n' 'prefix=$(PREFIX)' 'Name: nasweep' 'Version: $(VERSION)' \
	  'Description: search spaces and training-free proxies of NAS-Bench-101, NAS-Bench-201 and NATS-Bench' \
	  'Cflags: -I$${prefix}/include' 'Libs: -L$${prefix}/lib -lnasweep $(strip $(LDLIBS))' > $@

install: $(BUILD)/nasweep $(BUILD)/nasweep.1 $(BUILD)/nasweep.bash $(BUILD)/nasweep.pc
	$(say) INSTALL $(DESTDIR)$(PREFIX)
	$(Q)install -d $(addprefix $(DESTDIR)$(PREFIX)/,bin lib/pkgconfig include/nasweep share/man/man1 \
	  share/bash-completion/completions share/nasweep/tables)
	$(Q)install -m 644 analysis/nasweep.py analysis/nasweep_torch.py $(DESTDIR)$(PREFIX)/share/nasweep/
	$(Q)install -m 644 results/tables/* $(DESTDIR)$(PREFIX)/share/nasweep/tables/
	$(Q)install -m 755 $(BUILD)/nasweep $(DESTDIR)$(PREFIX)/bin/nasweep
	$(Q)install -m 644 $(LIB) $(DESTDIR)$(PREFIX)/lib/libnasweep.a
	$(Q)install -m 644 include/nasweep/*.h $(DESTDIR)$(PREFIX)/include/nasweep/
	$(Q)install -m 644 $(BUILD)/nasweep.pc $(DESTDIR)$(PREFIX)/lib/pkgconfig/nasweep.pc
	$(Q)install -m 644 $(BUILD)/nasweep.1 $(DESTDIR)$(PREFIX)/share/man/man1/nasweep.1
	$(Q)install -m 644 $(BUILD)/nasweep.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/nasweep

bench: $(BUILD)/nasweep $(BUILD)/tests/train_dump $(BENCHES)
	@BUILD=$(BUILD) PYTHON=$(PYTHON) tests/bench/run

# Everything again with clang and its instrumentation; each fuzzer runs FUZZ_SECONDS and keeps its corpus in build-fuzz.
# tests/fuzz/fuzz_NAME.dict, where there is one, gives it the words of the format.
fuzz:
	@command -v clang >/dev/null || { echo 'make fuzz: clang not found (Debian: clang and libclang-rt-14-dev)' >&2; exit 1; }
	@$(MAKE) --no-print-directory -j$(NP) BUILD=build-fuzz CC=clang \
	  CFLAGS='-O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined' fuzzers
	@$(PYTHON) tests/fuzz/fuzz_seeds.py build-fuzz/corpus
	@for f in $(notdir $(FUZZERS)); do \
	  mkdir -p build-fuzz/corpus/$$f; \
	  dict=; [ ! -f tests/fuzz/$$f.dict ] || dict=-dict=tests/fuzz/$$f.dict; \
	  echo "$$f for $(FUZZ_SECONDS) s"; \
	  build-fuzz/tests/$$f $$dict -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=2048 -verbosity=0 \
	    -print_final_stats=1 -artifact_prefix=build-fuzz/ build-fuzz/corpus/$$f || exit 1; \
	done
fuzzers: $(FUZZERS)

info:
	@printf '%-10s %s\n' version '$(VERSION) ($(GIT))' compiler '$(shell $(CC) --version | head -1)' \
	  mpi '$(MPI_LIBS)' hdf5 '$(or $(HDF5_PC),$(HDF5_WRAPPER),not found): $(HDF5_LIBS)' blas '$(BLAS_LIBS)' \
	  isas '$(ISAS)' cflags '$(CFLAGS)' build '$(BUILD)' prefix '$(PREFIX)'

# ---- packages ----
# The sources of the last commit, in build/.
dist:
	@mkdir -p $(BUILD)
	@git archive --format=tar.gz --prefix=nasweep-$(VERSION)/ -o $(BUILD)/nasweep-$(VERSION).tar.gz HEAD
	@echo $(BUILD)/nasweep-$(VERSION).tar.gz

# A Debian package for the release that this is, in build/.
deb:
	@$(MAKE) --no-print-directory -j$(NP) programs
	@BUILD=$(BUILD) VERSION=$(VERSION) MAKE=$(MAKE) packaging/deb

# Releases of clang-format differ in what they do: what counts is 14.
FORMATTED := $(wildcard src/*/*.c src/*/*.h include/nasweep/*.h tests/*/*.c tests/lib/*.h)
CLANG_FORMAT ?= $(firstword $(shell command -v clang-format-14 clang-format 2>/dev/null))
format:
	$(CLANG_FORMAT) -i $(FORMATTED)
format-check:
	@case "$$($(CLANG_FORMAT) --version 2>/dev/null)" in *' 14.'*) ;; \
	  *) echo 'format-check: skipped: there is no clang-format 14'; echo '0 passed, 0 failed, 1 skipped'; exit 0 ;; esac; \
	bad=$$(for f in $(FORMATTED); do $(CLANG_FORMAT) $$f | cmp -s - $$f || echo $$f; done); \
	[ -z "$$bad" ] || { echo "not as \`make format\` has it:" $$bad; exit 1; }

clean:
	rm -rf build build-asan build-debug build-asan-debug

-include $(wildcard $(BUILD)/obj/*/*.d $(BUILD)/tests/*.dep)
