package metrics

// The kinds of metrics.
const (
	Counts     = "counter"
	Gauges     = "gauge"
	Histograms = "histogram"
)

// The names of the metrics. Those that end in Total and the histograms are kept over the
// end of workers and over an upgrade of the program. The others are the state at the moment.
const (
	RequestsTotal   = "narwhal_http_requests_total"
	RequestDuration = "narwhal_http_request_duration_seconds"
	AcceptWait      = "narwhal_accept_wait_seconds"
	QueueDuration   = "narwhal_queue_duration_seconds"
	ComputeDuration = "narwhal_compute_duration_seconds"
	TextsTotal      = "narwhal_texts_total"
	TextBytesTotal  = "narwhal_text_bytes_total"
	TokensTotal     = "narwhal_tokens_total"
	EntitiesTotal   = "narwhal_entities_total"
	RejectedTotal   = "narwhal_requests_rejected_total"
	LogTotal        = "narwhal_log_messages_total"
	ReceivedTotal   = "narwhal_received_bytes_total"
	SentTotal       = "narwhal_sent_bytes_total"
	BusyTotal       = "narwhal_busy_seconds_total"
	MissedTotal     = "narwhal_missed_seconds_total"

	WorkersWanted = "narwhal_workers_wanted"
	Workers       = "narwhal_workers"
	WorkersBusy   = "narwhal_workers_busy"
	WorkersIdle   = "narwhal_workers_idle"
	Places        = "narwhal_places"
	PlacesTaken   = "narwhal_places_taken"
	InFlight      = "narwhal_requests_in_flight"
	Waiting       = "narwhal_requests_waiting"
	Connections   = "narwhal_connections"
	Parked        = "narwhal_connections_parked"

	AcceptQueue  = "narwhal_accept_queue_connections"
	AcceptLimit  = "narwhal_accept_queue_limit"
	AcceptOldest = "narwhal_accept_queue_oldest_seconds"

	StartsTotal         = "narwhal_worker_starts_total"
	RestartsTotal       = "narwhal_worker_restarts_total"
	LostTotal           = "narwhal_requests_lost_total"
	ReloadsTotal        = "narwhal_reloads_total"
	ReloadSecondsTotal  = "narwhal_reload_seconds_total"
	UpgradesTotal       = "narwhal_upgrades_total"
	UpgradeSecondsTotal = "narwhal_upgrade_seconds_total"
	Generation          = "narwhal_generation"
	Ready               = "narwhal_ready"
	BuildInfo           = "narwhal_build_info"

	CPUTotal       = "process_cpu_seconds_total"
	ResidentMemory = "process_resident_memory_bytes"
	VirtualMemory  = "process_virtual_memory_bytes"
	OpenFDs        = "process_open_fds"
	MaxFDs         = "process_max_fds"
	ProcessStart   = "process_start_time_seconds"
)

// The reasons for which a worker is replaced, the values of the label of RestartsTotal.
const (
	Died        = "died"
	BootFailed  = "boot_failed"
	Hung        = "hung"
	Silent      = "silent"
	MaxRequests = "max_requests"
	MaxAge      = "max_age"
	MaxMemory   = "max_memory"
	Signal      = "signal"
	Reload      = "reload"
)

// RestartReasons has all of them.
var RestartReasons = []string{Died, BootFailed, Hung, Silent, MaxRequests, MaxAge, MaxMemory, Signal, Reload}

// The outcomes of a reload or an upgrade.
const (
	Done   = "done"
	Failed = "failed"
)

// Outcomes has both.
var Outcomes = []string{Done, Failed}

// States has the values of the label state of Workers.
var States = []string{"starting", "ready", "draining", "aborting", "killed"}

// Family is a metric: its counters, gauges or histograms, which differ in their labels.
type Family struct {
	Name   string
	Kind   string
	Unit   string   // seconds, bytes, or what is counted
	Labels []string // names
	Help   string   // one sentence
	More   string   // what the documentation says besides; may be empty

	// Zeros has the values of the labels that are shown even if their number is 0, so that
	// a query sees an increase from 0. Only for families with one label.
	Zeros []string
}

// Table has every metric, in the order of the documentation.
var Table = []Family{
	{Name: RequestsTotal, Kind: Counts, Unit: "requests", Labels: []string{"route", "method", "code"},
		Help: "Requests that were answered, by the path of the route, the method and the status.",
		More: "A request whose client has gone before the answer has the code 499. `route` is `other` for a path that does not exist and for a request whose head could not be read. `method` is GET, HEAD, POST, OPTIONS or `other`. A status that narwhal itself does not use is counted by its class, such as `4xx`. The requests on the admin address are not counted."},
	{Name: RequestDuration, Kind: Histograms, Unit: "seconds", Labels: []string{"route"},
		Help: "Time from the moment a request was whole to the moment its answer was ready.",
		More: "It includes the wait for a place, the computation and `--delay`. Requests that could not be read are not in it."},
	{Name: AcceptWait, Kind: Histograms, Unit: "seconds",
		Help: "Time that connections waited in the kernel's queue until a worker accepted them.",
		More: "It counts from the last bytes of the client that the kernel has, in steps of a few milliseconds. Only TCP. It is not in `" + RequestDuration + "`, which begins when a request is whole."},
	{Name: QueueDuration, Kind: Histograms, Unit: "seconds",
		Help: "Time that requests waited for a place since they were whole.",
		More: "Only requests that had a place are in it: those that computed, and health checks. It is `queue` of Server-Timing."},
	{Name: ComputeDuration, Kind: Histograms, Unit: "seconds",
		Help: "Time that requests computed in their place.",
		More: "The same requests as in `" + QueueDuration + "`. It is `compute` of Server-Timing."},
	{Name: TextsTotal, Kind: Counts, Unit: "texts",
		Help: "Texts that were computed.", More: "A request can have several."},
	{Name: TextBytesTotal, Kind: Counts, Unit: "bytes",
		Help: "Bytes of the texts that were computed, in UTF-8."},
	{Name: TokensTotal, Kind: Counts, Unit: "tokens",
		Help: "Tokens of the texts that were computed.",
		More: "A recognizer that does not tell its tokens (ner.Analyzer) counts none."},
	{Name: EntitiesTotal, Kind: Counts, Unit: "entities", Labels: []string{"label"},
		Help: "Entities that were found, by the model's label.",
		More: "The first 64 labels of a model have a number of their own, the rest is `other`. A label is cut after 32 bytes."},
	{Name: RejectedTotal, Kind: Counts, Unit: "requests", Labels: []string{"reason"}, Zeros: Reasons,
		Help: "Requests that were refused without being computed, by reason.",
		More: "The reasons: `unauthorized` (401), `limit_concurrency` (503, `--limit-concurrency`), `limit_buffers` (503, `--limit-buffers`), `queue_timeout` (503, waited for longer than `--timeout`), `slow_client` (408), `malformed` (not HTTP, or larger than a limit). They are also in `" + RequestsTotal + "`."},
	{Name: LogTotal, Kind: Counts, Unit: "messages", Labels: []string{"level"}, Zeros: Severities,
		Help: "Warnings and errors in the log, of the master and all workers.",
		More: "Also those that `--log-level` leaves out. The access log is not in it. What a process says before it has its settings is not counted."},
	{Name: ReceivedTotal, Kind: Counts, Unit: "bytes",
		Help: "Bytes that came over the connections of workers."},
	{Name: SentTotal, Kind: Counts, Unit: "bytes",
		Help: "Bytes that went over the connections of workers."},
	{Name: BusyTotal, Kind: Counts, Unit: "seconds",
		Help: "Computing time of all computations, added up.",
		More: "Its rate, divided by `" + Places + "`, is the part of the places that is in use."},
	{Name: MissedTotal, Kind: Counts, Unit: "seconds",
		Help: "Time in which a worker was idle while a request waited in another worker."},

	{Name: WorkersWanted, Kind: Gauges, Unit: "workers", Help: "Workers that should run."},
	{Name: Workers, Kind: Gauges, Unit: "workers", Labels: []string{"state"}, Zeros: States,
		Help: "Worker processes by state.", More: "The states are those of `narwhal status`."},
	{Name: WorkersBusy, Kind: Gauges, Unit: "workers", Help: "Ready workers with at least one place taken."},
	{Name: WorkersIdle, Kind: Gauges, Unit: "workers", Help: "Ready workers with no place taken."},
	{Name: Places, Kind: Gauges, Unit: "places", Help: "Places of the ready workers: how many requests can compute at once."},
	{Name: PlacesTaken, Kind: Gauges, Unit: "places", Help: "Places that are taken, of workers that are ready or draining."},
	{Name: InFlight, Kind: Gauges, Unit: "requests", Help: "Whole requests that are not answered."},
	{Name: Waiting, Kind: Gauges, Unit: "requests", Help: "Whole requests that wait for a place."},
	{Name: Connections, Kind: Gauges, Unit: "connections", Help: "Open connections of workers."},
	{Name: Parked, Kind: Gauges, Unit: "connections", Help: "Idle connections that the master keeps."},
	{Name: AcceptQueue, Kind: Gauges, Unit: "connections", Labels: []string{"address"},
		Help: "Connections that wait in the kernel's queue until a worker accepts them, by the address that they came to.",
		More: "Only TCP: Linux does not tell the queue of a unix socket."},
	{Name: AcceptLimit, Kind: Gauges, Unit: "connections", Labels: []string{"address"},
		Help: "Length of the kernel's queue: `--backlog`, or net.core.somaxconn if that is less.",
		More: "When a queue is full, the kernel drops new clients. They try again after one second and more."},
	{Name: AcceptOldest, Kind: Gauges, Unit: "seconds",
		Help: "Upper bound of the time that the first connection in the kernel's queues has waited, 0 if none waits.",
		More: "Connections leave a queue in the order in which they came. So the first one came after the last one that was accepted, and after the last moment when the queue was seen empty. The master looks every second. After the end of a worker the bound may be too high for a moment."},

	{Name: StartsTotal, Kind: Counts, Unit: "workers", Help: "Worker processes that were started."},
	{Name: RestartsTotal, Kind: Counts, Unit: "workers", Labels: []string{"reason"}, Zeros: RestartReasons,
		Help: "Workers that were replaced, or have to be, by reason.",
		More: "The reasons: `died` (it ended by itself, or by SIGKILL), `boot_failed` (it did not become ready), `hung` (a request ran for longer than `--timeout`), `silent` (no sign of life), `max_requests`, `max_age`, `max_memory`, `signal` (somebody sent SIGTERM to it), `reload`."},
	{Name: LostTotal, Kind: Counts, Unit: "requests",
		Help: "Whole requests that a worker had not answered when it ended.",
		More: "Their clients saw a closed connection. They are not in `" + RequestsTotal + "`."},
	{Name: ReloadsTotal, Kind: Counts, Unit: "reloads", Labels: []string{"outcome"}, Zeros: Outcomes,
		Help: "Reloads of the settings, by outcome."},
	{Name: ReloadSecondsTotal, Kind: Counts, Unit: "seconds", Labels: []string{"outcome"}, Zeros: Outcomes,
		Help: "Time that reloads took, added up, by outcome.",
		More: "Divided by `" + ReloadsTotal + "` it is the mean."},
	{Name: UpgradesTotal, Kind: Counts, Unit: "upgrades", Labels: []string{"outcome"}, Zeros: Outcomes,
		Help: "Upgrades of the program (USR2), by outcome."},
	{Name: UpgradeSecondsTotal, Kind: Counts, Unit: "seconds", Labels: []string{"outcome"}, Zeros: Outcomes,
		Help: "Time from the start of a new master to the hand-over or the failure, added up, by outcome."},
	{Name: Generation, Kind: Gauges, Unit: "number", Help: "Number of the settings in force; each reload that succeeds adds one.",
		More: "The new master of an upgrade begins with 1."},
	{Name: Ready, Kind: Gauges, Unit: "0 or 1", Help: "1 if the service is ready, as /readyz of the admin address says, else 0."},
	{Name: BuildInfo, Kind: Gauges, Unit: "always 1", Labels: BuildLabels,
		Help: "1, with the version of the program and its model as labels.",
		More: "`model` is the name and version of the model, `simd` the instructions that the engine uses."},

	{Name: CPUTotal, Kind: Counts, Unit: "seconds", Help: "Processor time of the master and all its workers, also those that have ended."},
	{Name: ResidentMemory, Kind: Gauges, Unit: "bytes", Help: "Memory of the master and all its workers; what they share counts once.",
		More: "The sum of what each process has for itself, and once the most that one of them has of files and shared memory (resident and shared of `/proc/PID/statm`). `narwhal status` shows proportional set sizes, whose sum may differ by a few MB."},
	{Name: VirtualMemory, Kind: Gauges, Unit: "bytes", Help: "Address space of the master and all its workers."},
	{Name: OpenFDs, Kind: Gauges, Unit: "descriptors", Help: "Open descriptors of the master and all its workers."},
	{Name: MaxFDs, Kind: Gauges, Unit: "descriptors", Help: "Descriptors that the master and all its workers may open, added up."},
	{Name: ProcessStart, Kind: Gauges, Unit: "seconds", Help: "When the master was started, in seconds since 1970."},
}

// BuildLabels are the labels of BuildInfo.
var BuildLabels = []string{"version", "commit", "goversion", "goarch", "simd", "model"}

// Find returns the family with a name. It panics if there is none.
func Find(name string) *Family {
	for i := range Table {
		if Table[i].Name == name {
			return &Table[i]
		}
	}
	panic("metrics: there is no " + name)
}
