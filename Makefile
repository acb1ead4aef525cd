# narwhal. The two commands of the README are `make run` and `make test`.
#
# Everything here works on a machine with Go, git and make; what else a target
# needs, it gets and says so.

GO      ?= go
BIND    ?= 127.0.0.1:5000
WORKERS ?= 2

export CGO_ENABLED ?= 0

.PHONY: run build install test generate fuzz parity fairness bench bench-record compare compare-quick systemd chaos chaos-peers soak clean

run: build
	@exec ./bin/narwhal --bind $(BIND) --workers $(WORKERS) --log-level warning

# The model goes into the program if it can be fetched: with pip (as root on
# Debian it is installed if there is none), else from its author's release. If
# not, a line before the build says that prose answers instead.
#
# --version names the commit where git can read this folder. (Where git refuses to,
# because another user owns the folder, go build would fail.)
build:
	@mkdir -p bin
	@$(GO) build -trimpath -buildvcs=$$(git status >/dev/null 2>&1 && echo auto || echo false) -tags "$$($(GO) run ./scripts/embedmodel)" -o bin/narwhal ./cmd/narwhal

# The program, its manual page and what the shells complete. DESTDIR is for
# packages; PREFIX=/usr is where the unit of scripts/systemd looks.
PREFIX  ?= /usr/local
DESTDIR ?=

install: build
	install -D -m 755 bin/narwhal $(DESTDIR)$(PREFIX)/bin/narwhal
	install -D -m 644 docs/narwhal.1 $(DESTDIR)$(PREFIX)/share/man/man1/narwhal.1
	install -d $(DESTDIR)$(PREFIX)/share/bash-completion/completions $(DESTDIR)$(PREFIX)/share/zsh/site-functions $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	bin/narwhal completion bash >$(DESTDIR)$(PREFIX)/share/bash-completion/completions/narwhal
	bin/narwhal completion zsh >$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_narwhal
	bin/narwhal completion fish >$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/narwhal.fish

test:
	@scripts/test

# Files made by other files: the assembly, the README's tables, the manual page,
# the answers of stories and scripts. Read the difference; it is the review.
generate:
	$(GO) generate ./...
	$(GO) test ./config ./supervisor ./cmd/narwhal -update

# Longer than `make test` does it: a minute for each, and a minute of random bytes
# and mutated requests for a real server in all its modes.
fuzz: build
	@scripts/fuzz 60s
	@$(GO) run ./scripts/chaos -narwhal bin/narwhal -noise 60s

# Against real spaCy, 3,000,000 tokens and more; takes about half an hour.
parity:
	@scripts/parity/parity.sh 3000000
	@scripts/parity/parity.sh -m en_core_web_md 1000000

# Whether requests wait though a worker is idle, and whether all clients are served
# alike. Some twenty minutes. (The waits at 70 % load, beside those of a simulated
# single queue, are a part of `make compare`.)
fairness: build
	@$(GO) run ./scripts/fairness

# Every stage, against the last recorded numbers; about three minutes.
bench:
	@scripts/bench

bench-record:
	@scripts/bench record

# Beside Flask + Gunicorn, FastAPI + Uvicorn and FastAPI + Granian, with plots:
# writes docs/benchmark.md and the table of the README. Two and a half hours where a
# text takes spaCy 45 ms. The quick one, of fewer requests, takes less than eight minutes
# and writes what says less to .cache/compare/quick.
compare:
	@scripts/compare/setup.sh
	@.cache/compare/compare -plan full -readme README.md

compare-quick:
	@scripts/compare/setup.sh
	@.cache/compare/compare -plan quick -out .cache/compare/quick

# The unit files under a real systemd, 252 and 254, in a container, as `make
# test` does it. Needs root and Debian 12, and says what is missing.
systemd:
	@scripts/systemd/test.sh

# Everything an operator or a fault can do, on a server under load, with every
# lost request counted: writes docs/reliability.md. An hour at most; `make test`
# has a short form.
chaos: build
	@$(GO) run ./scripts/chaos -narwhal bin/narwhal -doc docs/reliability.md

# The same events on Gunicorn from PyPI, side by side in docs/reliability.md. An
# hour at most.
chaos-peers: build
	@scripts/chaos/peers.sh -narwhal bin/narwhal -doc docs/reliability.md

# Half an hour of load with an event every two seconds: nothing lost, and the
# master's memory and descriptors do not grow.
soak: build
	@$(GO) run ./scripts/chaos -narwhal bin/narwhal -soak 30m

clean:
	rm -rf bin models .cache internal/model/embedded/*.zip
