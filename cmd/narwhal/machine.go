package main

import (
	"fmt"
	"log/slog"

	"github.com/narwhal-server/narwhal/config"
	"github.com/narwhal-server/narwhal/internal/cgroup"
	"github.com/narwhal-server/narwhal/internal/control"
	"github.com/narwhal-server/narwhal/internal/logevent"
	"github.com/narwhal-server/narwhal/supervisor"
)

// optionsHere returns the options of a master on this machine, in its control group. It
// replaces auto in s, and logs what it has found.
func optionsHere(s *config.Settings) supervisor.Options {
	given, err := cgroup.Read()
	if err != nil {
		logevent.LimitsUnread.Log(slog.Default(), "not every limit of this process could be read; the ones that could not be read are taken for none", "error", err)
	}
	if warning, hint := fit(s, given); warning != "" {
		logevent.SettingsWarned.Log(slog.Default(), warning, "hint", hint)
	}
	logFound(s, given)
	o := options(s)
	o.Cores = given.Cores()
	return o
}

// fit replaces auto in the settings by numbers for the limits of this process. It returns
// a warning if there is not enough memory for auto.
func fit(s *config.Settings, given cgroup.Limits) (warning, hint string) {
	if s.Workers == config.AutoNumber {
		s.Workers = min(max(given.Cores()/max(s.GOMAXPROCS, 1), 1), control.MaxWorkers)
	}
	if s.MaxWorkerMemory != config.AutoNumber {
		return "", ""
	}
	share := memoryShare(given.Memory, s.Workers)
	s.MaxWorkerMemory = share
	if share >= smallestShare || given.Memory == 0 {
		return "", ""
	}
	s.MaxWorkerMemory = 0
	return fmt.Sprintf("--max-worker-memory auto is off: the limit of memory, %s, leaves %s for each worker, and auto wants at least %s",
			config.FormatSize(given.Memory), config.FormatSize(share), config.FormatSize(smallestShare)),
		"give narwhal more memory or fewer workers, or give --max-worker-memory a size"
}

// smallestShare is the least memory that auto gives a worker. A single worker of
// en_core_web_sm takes 32 MiB after 2000 requests. With a share of that size it would be
// replaced again and again.
const smallestShare = 48 << 20

// memoryShare returns what a worker may have of a limit of memory, in whole MiB: four
// fifths of the limit are for the workers and for one successor, which starts while the
// worker that it replaces still serves. A fifth is for the master, for the kernel's
// buffers of sockets, and for what a worker takes until the master has seen it.
func memoryShare(limit int64, workers int) int64 {
	return limit / 5 * 4 / int64(workers+1) >> 20 << 20
}

// logFound logs the limits, and the numbers that follow from them.
func logFound(s *config.Settings, given cgroup.Limits) {
	procs := s.GOMAXPROCS
	if procs == 0 {
		procs = max(given.Cores()/s.Workers, 1)
	}
	logevent.LimitsFound.Log(slog.Default(), "what narwhal may use", "processors", given.Processors,
		"quota", orNone(given.Quota > 0, fmt.Sprint(given.Quota)), "quota_file", orNone(given.Quota > 0, given.QuotaFile),
		"memory", orNone(given.Memory > 0, config.FormatSize(given.Memory)), "memory_file", orNone(given.Memory > 0, given.MemoryFile),
		"workers", s.Workers, "gomaxprocs", procs, "max_worker_memory", orNone(s.MaxWorkerMemory > 0, config.FormatSize(s.MaxWorkerMemory)))
}

func orNone(is bool, value string) string {
	if is {
		return value
	}
	return "none"
}
