// Package metrics has the numbers of the service: what each one is named and means
// (table.go), how workers count (page.go), and the sums that a master keeps (totals.go).
//
// A worker counts in a Page, a part of the shared memory of package board. Only that worker
// writes it, with atomic additions and without a lock. So counting costs no system call,
// and a crash loses nothing that was counted. The master reads the pages of all workers.
// When a worker has gone, the master adds the worker's page to its Totals.
//
// This package knows no format: package supervisor writes the numbers for Prometheus.
package metrics

import "time"

// Route is the index of a route in Routes.
type Route int

// Routes has the values of the label route: the paths of package web. All files for
// browsers count as /docs. A path that does not exist counts as other, and so does every
// path of a server that is not package web.
var Routes = []string{
	Other,
	"/", "/v1/entities", "/v1/models", "/healthz", "/readyz", "/metrics", "/openapi.json", "/docs",
	"/v2", "/v2/", "/v2/health/live", "/v2/health/ready", "/v2/repository/index", "/v2/models/stats",
	"/v2/models/{name}", "/v2/models/{name}/ready", "/v2/models/{name}/config", "/v2/models/{name}/stats", "/v2/models/{name}/infer",
	"/v2/models/{name}/versions/{version}", "/v2/models/{name}/versions/{version}/ready", "/v2/models/{name}/versions/{version}/config",
	"/v2/models/{name}/versions/{version}/stats", "/v2/models/{name}/versions/{version}/infer",
	"/health", "/setup", "/predict", "/webhook",
	"/ent", "/models",
}

// Other is the value of a label for all that has no value of its own.
const Other = "other"

// RouteOf returns the route of a path, 0 (other) if there is none.
func RouteOf(path string) Route {
	for i, r := range Routes {
		if r == path {
			return Route(i)
		}
	}
	return 0
}

// Methods has the values of the label method.
var Methods = []string{"GET", "HEAD", "POST", "OPTIONS", Other}

func methodOf(name string) int {
	for i, m := range Methods[:len(Methods)-1] {
		if m == name {
			return i
		}
	}
	return len(Methods) - 1
}

// Codes has the values of the label code: the statuses that are used, and for each class of
// statuses one for the rest.
var Codes = []string{
	"1xx", "2xx", "3xx", "4xx", "5xx",
	"200", "201", "202", "204", "206", "301", "302", "303", "304", "307", "308",
	"400", "401", "403", "404", "405", "406", "408", "409", "410", "411", "412", "413", "414", "415", "416", "417",
	"421", "422", "425", "426", "428", "429", "431", "451", "499",
	"500", "501", "502", "503", "504", "505",
}

// codes has the index in Codes of each status.
var codes = func() (all [600]uint8) {
	for status := range all {
		all[status] = uint8(min(max(status/100, 1), 5) - 1)
	}
	for i, c := range Codes[5:] {
		all[int(c[0]-'0')*100+int(c[1]-'0')*10+int(c[2]-'0')] = uint8(i + 5)
	}
	return all
}()

func codeOf(status int) int {
	if status < 0 || status >= len(codes) {
		return 4 // 5xx: no such status exists
	}
	return int(codes[status])
}

// Reason is why the service has refused a request without computing it.
type Reason int

// The reasons.
const (
	Unauthorized     Reason = iota // it has no token that is known
	LimitConcurrency               // --limit-concurrency
	LimitBuffers                   // --limit-buffers
	QueueTimeout                   // it waited for a place for longer than --timeout
	SlowClient                     // it was not whole in time
	Malformed                      // it is not HTTP, or exceeds a limit of the head
)

// Reasons has the values of the label reason, by Reason.
var Reasons = []string{"unauthorized", "limit_concurrency", "limit_buffers", "queue_timeout", "slow_client", "malformed"}

// Edges are the upper ends of the histograms' buckets. Those from 5 ms on are what
// OpenTelemetry recommends for the duration of a request. There are smaller ones because
// a short text takes less than a millisecond.
var Edges = []time.Duration{
	50 * time.Microsecond, 100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond,
	time.Millisecond, 2500 * time.Microsecond,
	5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond, 75 * time.Millisecond,
	100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond, 750 * time.Millisecond,
	time.Second, 2500 * time.Millisecond, 5 * time.Second, 7500 * time.Millisecond, 10 * time.Second,
}
