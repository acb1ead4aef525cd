// Package bench sends HTTP requests and measures what comes back. It is the
// client of `narwhal bench`, and the load in the tests of the life cycle.
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
// A closed loop slows down together with the server: while the server stalls
// nobody asks, so the stall is measured by few requests. Only the open loop shows
// what a visitor sees. It gives two times: service, from the moment a request
// was sent, and response, from the moment it should have been sent.
//
// Each connection is a goroutine with a socket, request bytes made beforehand
// and a parser of answers that accepts what RFC 9112 allows and nothing else.
// Every request that was begun is counted once, as answered or by what went wrong:
//
//	Run ── burst, closed, open ── client ── dial, answer
//	           │                     │
//	           └── tally ◄── outcome ┘
package bench
