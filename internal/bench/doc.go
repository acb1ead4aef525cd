// Package bench sends HTTP requests and measures the answers. It is the client of
// `narwhal bench`, and makes the load in the tests of the life cycle.
//
//	report, err := bench.Run(ctx, bench.Options{
//		URL:         "http://127.0.0.1:5000/",
//		Connections: 16,
//		Duration:    10 * time.Second,
//	})
//	if report.OK != report.Requests { … report.Errors, report.Status }
//
// There are three ways to send:
//
//	burst   all requests of a trial at once, each on a connection of its own
//	closed  Connections clients, each sends its next request when it has the
//	        answer to the last one
//	open    requests start at times drawn beforehand (Rate), whether or not
//	        the server has answered the earlier ones
//
// A closed loop slows down together with the server. While the server stalls, no client
// sends a request, so few requests measure the stall. Only the open loop shows what a
// visitor sees. It measures two times: service, from the moment when a request was sent,
// and response, from the moment when it should have been sent.
//
// Each connection is a goroutine with a socket. The bytes of its requests are made
// beforehand. Its parser of answers accepts only what RFC 9112 allows. Every request
// that was begun is counted once, as answered or by what went wrong:
//
//	Run ── burst, closed, open ── client ── dial, answer
//	           │                     │
//	           └── tally ◄── outcome ┘
package bench
