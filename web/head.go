package web

// Limits of a request's head, Gunicorn's where it has them. Package http1, which
// reads requests for the gate, holds to them.
const (
	limitHead   = 16 << 10 // request line and fields together, bytes
	limitTarget = 4094     // what stands between method and version
	limitField  = 8190     // one field, bytes
	limitFields = 100
)
