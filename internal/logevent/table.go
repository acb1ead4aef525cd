package logevent

import "log/slog"

// Event is what the log says of one kind of event.
type Event struct {
	Name    Name
	Level   slog.Level
	Fields  string // keys that every line has, besides Key
	May     string // keys that only some lines have
	When    string // what has happened
	Routine bool   // it happens while all is well; the page of the admin address leaves it out
}

// ofWorker are the fields that name a worker: its slot, its process and its serial number.
const ofWorker = "worker worker_pid age"

// What happens to the service.
const (
	ServiceReady   Name = "service_ready"
	Serving        Name = "serving"
	DrainDelayed   Name = "drain_delayed"
	StopBegun      Name = "stop_begun"
	Stopped        Name = "stopped"
	Failed         Name = "failed"
	SignalReceived Name = "signal_received"
	SignalIgnored  Name = "signal_ignored"
	CommandCame    Name = "command_received"
	ContextEnded   Name = "context_ended"
	Scaled         Name = "scaled"
	ScaleRefused   Name = "scale_refused"
	BugFound       Name = "bug_found"
)

// What happens to addresses, sockets and connections.
const (
	Listening       Name = "listening"
	AdminListens    Name = "admin_listens"
	ControlListens  Name = "control_listens"
	ControlFailed   Name = "control_failed"
	AddressInUse    Name = "address_in_use"
	AddressClosed   Name = "address_closed"
	BacklogLimited  Name = "backlog_limited"
	QueueFull       Name = "queue_full"
	RefuseFailed    Name = "refuse_failed"
	AcceptFails     Name = "accept_fails"
	FilesLimited    Name = "files_limited"
	ParkingFailed   Name = "parking_failed"
	StatsdFailed    Name = "statsd_failed"
	PidFileUnlocked Name = "pid_file_unlocked"
)

// What happens between the master and systemd.
const (
	SystemdFailed  Name = "systemd_failed"
	SocketTaken    Name = "socket_taken"
	StoredUnusable Name = "stored_unusable"
	StoredDropped  Name = "stored_dropped"
	StoreFailed    Name = "store_failed"
	PassedUnused   Name = "passed_unused"
	PassedUnbound  Name = "passed_unbound"
)

// What happens to a worker.
const (
	WorkerStarting   Name = "worker_starting"
	WorkerReady      Name = "worker_ready"
	WorkerLeft       Name = "worker_left"
	WorkerCut        Name = "worker_cut"
	WorkerDied       Name = "worker_died"
	WorkerDiesOften  Name = "worker_dies_often"
	WorkerBootFailed Name = "worker_boot_failed"
	WorkerLate       Name = "worker_late"
	BootRetried      Name = "boot_retried"
	WorkerOld        Name = "worker_old"
	WorkerHeavy      Name = "worker_heavy"
	WorkerWorn       Name = "worker_worn"
	WorkerSilent     Name = "worker_silent"
	RequestHung      Name = "request_hung"
	WorkerOverdue    Name = "worker_overdue"
	WorkerDeaf       Name = "worker_deaf"
	SpawnFailed      Name = "spawn_failed"
	SpawnWorks       Name = "spawn_works"
	MemoryNotShared  Name = "memory_not_shared"
	MasterDied       Name = "master_died"
	MasterDeaf       Name = "master_deaf"
)

// What happens to a reload or an upgrade.
const (
	ReloadStarted     Name = "reload_started"
	ReloadQueued      Name = "reload_queued"
	ReloadDone        Name = "reload_done"
	ReloadFailed      Name = "reload_failed"
	LimitsFound       Name = "limits_found"
	LimitsUnread      Name = "limits_unread"
	SettingsNoted     Name = "settings_noted"
	SettingsWarned    Name = "settings_warned"
	SettingsKept      Name = "settings_kept"
	UpgradeStarted    Name = "upgrade_started"
	UpgradeRefused    Name = "upgrade_refused"
	UpgradeFailed     Name = "upgrade_failed"
	UpgradeJoined     Name = "upgrade_joined"
	UpgradeHandedOver Name = "upgrade_handed_over"
	UpgradeTakenOver  Name = "upgrade_taken_over"
	UpgradeIncomplete Name = "upgrade_incomplete"
	UpgradeAbandoned  Name = "upgrade_abandoned"
	TotalsLost        Name = "totals_lost"
)

// What happens to logs.
const (
	ReopenFailed    Name = "reopen_failed"
	LogStays        Name = "log_stays"
	LogLost         Name = "log_lost"
	AccessLogFailed Name = "access_log_failed"
	AccessLogWorks  Name = "access_log_works"
)

const (
	info = slog.LevelInfo
	warn = slog.LevelWarn
	fail = slog.LevelError
)

// Table has every event, in the order of docs/events.md.
var Table = []Event{
	{Name: ServiceReady, Level: info, Fields: "workers generation", When: "Every slot has had a ready worker for the first time. In an upgrade the new master says it before it takes over."},
	{Name: Serving, Level: info, Fields: "address workers class model reach", When: "The service has started, with these addresses and this model. Left out if standard output is a terminal, which gets a greeting instead.", Routine: true},
	{Name: DrainDelayed, Level: info, Fields: "drain_delay", When: "A stop has begun with `--drain-delay`: readiness fails, requests are served."},
	{Name: StopBegun, Level: info, Fields: "graceful within", When: "No worker is started any more. What runs must end `within` this time. `graceful` is false for INT, QUIT and `narwhal stop --quick`."},
	{Name: Stopped, Level: info, When: "The last worker has gone, and the master ends. The old master of an upgrade says it, too."},
	{Name: Failed, Level: fail, May: "hint", When: "The server ends with this error, which is the message."},
	{Name: SignalReceived, Level: info, Fields: "signal", When: "The master has a signal. What it does is another event."},
	{Name: SignalIgnored, Level: info, Fields: "signal", When: "The signal changes nothing: it came twice within a second, or a new master has taken over already."},
	{Name: CommandCame, Level: info, Fields: "command", When: "A command came over the control socket: reload, scale, upgrade or stop."},
	{Name: ContextEnded, Level: info, Fields: "because", When: "A program that uses package supervisor stops the service."},
	{Name: Scaled, Level: info, Fields: "from to", When: "The number of wanted workers has changed, by `narwhal scale`, TTIN or TTOU."},
	{Name: ScaleRefused, Level: warn, Fields: "workers", When: "TTIN or TTOU changes nothing: there are as many workers as a master can have, or only one."},
	{Name: BugFound, Level: fail, Fields: "error", When: "narwhal has a mistake of its own, and goes on. Please report it."},

	{Name: Listening, Level: info, Fields: "address", When: "A socket of the service is open.", Routine: true},
	{Name: AdminListens, Level: info, Fields: "address", When: "The admin address answers.", Routine: true},
	{Name: ControlListens, Level: info, Fields: "path", When: "The control socket answers.", Routine: true},
	{Name: ControlFailed, Level: warn, Fields: "error hint", When: "There is no control socket. Signals work."},
	{Name: AddressInUse, Level: warn, Fields: "address try", When: "An address is in use. It is tried again a second later."},
	{Name: AddressClosed, Level: info, Fields: "address", When: "The new master of an upgrade has closed an address that only the old one had."},
	{Name: BacklogLimited, Level: warn, Fields: "backlog somaxconn hint", When: "The kernel allows a smaller `--backlog` only."},
	{Name: QueueFull, Level: warn, Fields: "address waiting hint", When: "The accept queue of an address is full. Said once a minute at most."},
	{Name: RefuseFailed, Level: warn, Fields: "address error", May: "worker", When: "New clients cannot be kept out during a stop. They may be reset."},
	{Name: AcceptFails, Level: fail, Fields: "worker error", May: "hint", When: "A worker cannot accept connections for the moment."},
	{Name: FilesLimited, Level: warn, Fields: "worker_connections possible hint", When: "The limit of open files allows a worker fewer connections than `--worker-connections`."},
	{Name: ParkingFailed, Level: fail, Fields: "error", May: "parked", When: "The master has lost an idle connection that it kept for the workers, or cannot keep any."},
	{Name: StatsdFailed, Level: warn, Fields: "address error hint", When: "Numbers could not be sent to the statsd server. It is said once a minute at most."},
	{Name: PidFileUnlocked, Level: warn, Fields: "path error hint", When: "The pid file cannot be locked."},

	{Name: SystemdFailed, Level: warn, Fields: "error", May: "new_pid", When: "systemd cannot be told something, or its watchdog cannot be served."},
	{Name: SocketTaken, Level: info, Fields: "address", May: "name", When: "An address uses a socket of systemd: of a socket unit, with the `name` of the socket, or one that systemd kept."},
	{Name: StoredUnusable, Level: warn, Fields: "address error", When: "A socket that systemd kept cannot be used. The address is bound again."},
	{Name: StoredDropped, Level: info, Fields: "address", When: "A socket that systemd kept is closed, because no `--bind` names its address."},
	{Name: StoreFailed, Level: warn, Fields: "error", May: "address name", When: "systemd cannot keep a socket, or cannot forget one."},
	{Name: PassedUnused, Level: warn, Fields: "error hint", When: "Sockets were passed to another process than this one."},
	{Name: PassedUnbound, Level: warn, Fields: "address name hint", When: "systemd passes a socket that no `--bind` names. Its clients get no answer."},

	{Name: WorkerStarting, Level: info, Fields: ofWorker + " generation", When: "A worker's process was started.", Routine: true},
	{Name: WorkerReady, Level: info, Fields: ofWorker, When: "A worker serves.", Routine: true},
	{Name: WorkerLeft, Level: info, Fields: ofWorker + " status requests", When: "A worker was told to leave, and has finished.", Routine: true},
	{Name: WorkerCut, Level: warn, Fields: ofWorker + " status was lost running", When: "A worker was told to leave, and ended before it had finished."},
	{Name: WorkerDied, Level: fail, Fields: ofWorker + " status state running connections requests", May: "hint", When: "A worker ended, and nobody had told it to. `running` is its oldest request."},
	{Name: WorkerDiesOften, Level: warn, Fields: "worker deaths wait hint", When: "The workers of a slot keep dying. The next one waits."},
	{Name: WorkerBootFailed, Level: fail, Fields: ofWorker + " error", When: "A worker could not start. `error` is the worker's own."},
	{Name: WorkerLate, Level: fail, Fields: ofWorker + " boot_timeout", When: "A worker was not ready within `--boot-timeout`, and is ended."},
	{Name: BootRetried, Level: warn, Fields: "worker wait", When: "After a worker that could not start, the next one waits."},
	{Name: WorkerOld, Level: info, Fields: ofWorker + " ready_for max_worker_age", When: "A worker is replaced for its age.", Routine: true},
	{Name: WorkerHeavy, Level: warn, Fields: ofWorker + " memory max_worker_memory", May: "hint", When: "A worker is replaced for its memory."},
	{Name: WorkerWorn, Level: info, Fields: ofWorker + " because", When: "A worker asks to be replaced: it has served `--max-requests`, or somebody sent it TERM.", Routine: true},
	{Name: WorkerSilent, Level: fail, Fields: ofWorker + " silent timeout running", When: "A worker shows no sign of life, and is ended."},
	{Name: RequestHung, Level: fail, Fields: ofWorker + " request runs_for size timeout in_flight", When: "A request runs for longer than `--timeout`. Its worker is replaced."},
	{Name: WorkerOverdue, Level: fail, Fields: ofWorker + " lost running", When: "A leaving worker did not finish within `--graceful-timeout`, and is ended."},
	{Name: WorkerDeaf, Level: warn, Fields: "worker_pid error", May: "worker age message", When: "A message to a worker could not be sent."},
	{Name: SpawnFailed, Level: fail, Fields: "worker missing tries error wait", May: "hint", When: "No process can be started for a worker."},
	{Name: SpawnWorks, Level: info, Fields: "failed_tries after", When: "Processes can be started again."},
	{Name: MemoryNotShared, Level: info, Fields: "reason", When: "A worker has its own copy of the weights. The others share one.", Routine: true},
	{Name: MasterDied, Level: warn, Fields: "worker", When: "A worker has noticed that its master has died. It answers the clients that are connected, and leaves."},
	{Name: MasterDeaf, Level: warn, Fields: "worker error", When: "A worker could not send a message to its master."},

	{Name: ReloadStarted, Level: info, Fields: "generation", When: "A reload has begun."},
	{Name: ReloadQueued, Level: info, When: "A reload follows the one under way."},
	{Name: ReloadDone, Level: info, Fields: "generation", When: "Every slot has a worker with the new settings."},
	{Name: ReloadFailed, Level: fail, Fields: "error", May: "generation slots_with_the_new slots", When: "A reload has failed. With `generation`, a worker could not start with the new settings. Without it the settings were wrong, and nothing was started."},
	{Name: LimitsFound, Level: info, Fields: "processors quota quota_file memory memory_file workers gomaxprocs max_worker_memory", When: "The limits of the process and of its control group were read, at the start and at a reload. The last three fields follow from them and from the settings.", Routine: true},
	{Name: LimitsUnread, Level: warn, Fields: "error", When: "Some limits of the process could not be read. They are taken for none."},
	{Name: SettingsNoted, Level: info, When: "What the settings mean, if that may surprise. The message says it.", Routine: true},
	{Name: SettingsWarned, Level: warn, May: "hint", When: "The settings allow something that is probably not wanted, or something that looks like a setting was ignored. The message says it."},
	{Name: SettingsKept, Level: warn, Fields: "settings hint", When: "A reload is done. These settings have changed, and a reload does not change them."},
	{Name: UpgradeStarted, Level: info, Fields: "new_pid", When: "The old master has started the new one."},
	{Name: UpgradeRefused, Level: fail, Fields: "error", When: "An upgrade cannot begin. Nothing was started."},
	{Name: UpgradeFailed, Level: fail, Fields: "error new_pid", When: "The new master has ended before it took over. The old one goes on."},
	{Name: UpgradeJoined, Level: info, Fields: "old_pid", When: "This process is the new master of an upgrade."},
	{Name: UpgradeHandedOver, Level: info, Fields: "new_pid", When: "The old master has given the service to the new one, and leaves."},
	{Name: UpgradeTakenOver, Level: info, When: "The new master has the service."},
	{Name: UpgradeIncomplete, Level: fail, Fields: "error", When: "The new master could not take over everything, and goes on."},
	{Name: UpgradeAbandoned, Level: fail, Fields: "error", When: "The old master has died during the upgrade. The new one leaves."},
	{Name: TotalsLost, Level: warn, Fields: "error", When: "The new master does not know all that the old one has counted."},

	{Name: ReopenFailed, Level: fail, Fields: "error", When: "A log file cannot be opened. The one that is open stays in use."},
	{Name: LogStays, Level: warn, Fields: "hint", May: "error_logfile access_logfile", When: "A reload cannot move a log to another stream."},
	{Name: LogLost, Level: fail, Fields: "lost since hint", When: "Lines of this log were lost because it could not be written."},
	{Name: AccessLogFailed, Level: fail, Fields: "error hint", When: "Lines of the access log are lost. Requests are served."},
	{Name: AccessLogWorks, Level: warn, Fields: "lost since", When: "The access log can be written again."},
}
