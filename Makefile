# narwhal. The two commands of the README are `make run` and `make test`.
#
# Everything here works on a machine with Go, git and make. A target installs what else
# it needs, and says so.

GO      ?= go
BIND    ?= 127.0.0.1:5000
WORKERS ?= 2

export CGO_ENABLED ?= 0

.PHONY: run build go-found install test generate fuzz parity pypi lg fairness bench bench-record compare compare-quick systemd swarm kubernetes chaos chaos-peers soak label-studio screenshots release release-test clean

run: build
	@exec ./bin/narwhal --bind $(BIND) --workers $(WORKERS) --log-level warning

# The model goes into the program if it can be fetched: with pip, or else from the
# release of its author. (If pip is missing, it is installed when root builds on Debian.)
# If the model cannot be fetched, a line before the build says that prose answers
# instead.
#
# --version names the commit where git can read this folder. (Where git refuses to,
# because another user owns the folder, go build would fail.) Both commands have -trimpath,
# so the second one finds the packages that the first one has compiled.
build: go-found
	@mkdir -p bin; if [ -e bin/narwhal ]; then echo "building bin/narwhal" >&2; else \
		echo "building bin/narwhal: the first time this fetches Go modules and the model, and compiles for some minutes" >&2; fi
	@$(GO) build -trimpath -buildvcs=$$(git status >/dev/null 2>&1 && echo auto || echo false) -tags "$$($(GO) run -trimpath ./scripts/embedmodel)" -o bin/narwhal ./cmd/narwhal

# Go 1.21 and later fetch the Go that go.mod names. An older one says only that go.mod is
# wrong.
GET_GO = On Debian 12 take golang-go from bookworm-backports; elsewhere see https://go.dev/dl

go-found:
	@said=$$(GOTOOLCHAIN=local $(GO) version 2>/dev/null) || { \
		echo "there is no Go here ($(GO) does not run): narwhal needs Go 1.21 or newer. $(GET_GO)" >&2; exit 1; }; \
	version=$$(echo "$$said" | sed -n 's/.*go\(1\.[0-9.]*\).*/\1/p'); minor=$${version#1.}; minor=$${minor%%.*}; \
	if [ "$${minor:-21}" -lt 21 ]; then \
		echo "go $$version is too old: narwhal needs Go 1.21 or newer. $(GET_GO)" >&2; exit 1; fi

# Installs bin/narwhal, its manual page and the completions of the shells. It builds only if
# bin/narwhal is missing: root must not build again what a user has built. DESTDIR is for
# packages. The unit in scripts/systemd expects PREFIX=/usr.
PREFIX  ?= /usr/local
DESTDIR ?=

bin/narwhal:
	@$(MAKE) --no-print-directory build

install: bin/narwhal
	install -D -m 755 bin/narwhal $(DESTDIR)$(PREFIX)/bin/narwhal
	install -D -m 644 docs/narwhal.1 $(DESTDIR)$(PREFIX)/share/man/man1/narwhal.1
	install -d $(DESTDIR)$(PREFIX)/share/bash-completion/completions $(DESTDIR)$(PREFIX)/share/zsh/site-functions $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	bin/narwhal completion bash >$(DESTDIR)$(PREFIX)/share/bash-completion/completions/narwhal
	bin/narwhal completion zsh >$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_narwhal
	bin/narwhal completion fish >$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/narwhal.fish

test:
	@scripts/test

# Makes the generated files: the assembly, the tables of README and docs, the manual page,
# and the answers of stories and scripts. Review the difference.
generate:
	$(GO) generate ./...
	$(GO) test ./config ./supervisor ./cmd/narwhal ./internal/metrics ./internal/logevent -update
	$(GO) test ./ner/spacy -run TestTableOf -update
	$(GO) run ./scripts/sizing

# Fuzzes for longer than `make test`: a minute for each target, and a minute of random
# bytes and mutated requests to a real server, divided among its modes.
fuzz: build
	@scripts/fuzz 60s
	@$(GO) run ./scripts/chaos -narwhal bin/narwhal -noise 60s

# Compares with real spaCy on 3,000,000 tokens, on 1,000,000 with the medium model, and on
# 200,000 with each of four pipelines that find sentences without a parser, and of twelve
# with other components or networks, and on 100,000 with a pipeline of each language. Compares
# all annotations on 1,000,000 tokens. Then on the pipelines of pip's index and of the shape
# of the large model. Takes more than an hour.
parity:
	@scripts/parity/parity.sh 3000000
	@scripts/parity/parity.sh -m en_core_web_md 1000000
	@scripts/parity/sents.sh 200000
	@scripts/parity/components.sh 200000
	@scripts/parity/rulers.sh 3000
	@scripts/parity/languages.sh 100000 500000
	@scripts/parity/docs.sh 1000000 100000
	@scripts/parity/docs.sh -m en_core_web_md 300000
	@scripts/parity/packages.sh
	@scripts/parity/older.sh
	@scripts/parity/pypi.sh
	@scripts/parity/lg.sh

# Compares with real spaCy on pipelines that people have published in pip's index.
pypi:
	@scripts/parity/pypi.sh

# Compares with real spaCy on a pipeline of the shape of en_core_web_lg, and measures how
# long the server takes to start with it, and the memory of its workers. Takes 0.9 GB in
# .cache, and 3 GB of memory while it makes the pipeline.
lg:
	@scripts/parity/lg.sh -t

# Measures whether requests wait although a worker is idle, and whether all clients get
# equal shares, and how long requests wait at 70 % load beside an ideal queue. Takes
# about an hour and a quarter.
fairness: build
	@$(GO) run ./scripts/fairness

# Measures every stage of a request and compares with the last recorded numbers. Takes
# about three minutes.
bench:
	@scripts/bench

bench-record:
	@scripts/bench record

# Compares narwhal with Flask + Gunicorn, FastAPI + Uvicorn and FastAPI + Granian. Writes
# docs/benchmark.md with plots, and the table of the README. Takes two and a half hours
# on a machine where spaCy needs 45 ms for a text. compare-quick sends fewer requests,
# so its figures are less exact. It takes less than eight minutes and writes to
# .cache/compare/quick. Both need Python 3.12 or later, which Debian 12 does not have.
compare:
	@scripts/compare/setup.sh
	@.cache/compare/compare -plan full -readme README.md

compare-quick:
	@scripts/compare/setup.sh
	@.cache/compare/compare -plan quick -out .cache/compare/quick

# Tests the unit files under a real systemd, 252 and 254, in a container. `make test`
# does this, too. Needs root and Debian 12, and says what is missing.
systemd:
	@scripts/systemd/test.sh

# Tests the stack file of deploy/swarm in a real Docker Swarm of two nodes, under load. `make
# test` does this, too. Needs root and Debian 12, and says what is missing.
swarm:
	@scripts/swarm/test.sh

# Tests the manifests of deploy/kubernetes in a real cluster of two nodes, under load. Needs
# root and Debian 12, and says what is missing. The first time it builds the programs of
# Kubernetes into .cache, which takes 25 minutes of one core. Later it takes four minutes.
kubernetes:
	@scripts/kubernetes/test.sh

# Does to a server under load what operators and faults do, and counts the lost requests.
# Writes docs/reliability.md. Takes an hour at most. `make test` has a short form.
chaos: build
	@$(GO) run ./scripts/chaos -narwhal bin/narwhal -doc docs/reliability.md

# Does the same to narwhal and to Gunicorn from PyPI. Writes docs/reliability.md. Takes
# an hour at most.
chaos-peers: build
	@scripts/chaos/peers.sh -narwhal bin/narwhal -doc docs/reliability.md

# Half an hour of load with an event every two seconds. Fails if a request is lost, or if
# the master's memory or descriptors grow.
soak: build
	@$(GO) run ./scripts/chaos -narwhal bin/narwhal -soak 30m

# Lets a real Label Studio ask narwhal for predictions, and compares them with narwhal's
# answers. Installs Label Studio into .cache, which takes some minutes and 1 GB.
label-studio:
	@scripts/clients/labelstudio.sh

# Writes the pictures of the page in docs. Needs Chromium, which scripts/setup-tests installs.
screenshots:
	$(GO) test -C scripts/browser -count=1 -run TestScreenshots . -update

# Builds the files of a release into dist: archives, packages, images, checksums. Builds
# them twice, in two folders, and compares. docs/install.md says how a release is made, and
# where its version comes from. Takes some minutes.
VERSION    ?=
MAINTAINER ?=

release:
	@$(GO) run -C scripts/release . -version "$(VERSION)" -maintainer "$(MAINTAINER)" -check

# Installs, upgrades and removes what make release has built: the packages under a real
# systemd, while requests run, and the image with runc. Needs root and Debian 12, and says
# what is missing.
release-test:
	@scripts/release/deb-test
	@scripts/release/rpm-test
	@scripts/release/image-test

clean:
	rm -rf bin dist models .cache internal/model/embedded/*.zip
