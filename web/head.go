package web

// Limits of a request's head. Where Gunicorn has such a limit, this is the same. Package
// http1, which reads requests for the gate, enforces the limits.
const (
	limitHead   = 16 << 10 // request line and fields together, bytes
	limitTarget = 4094     // what stands between method and version, bytes
	limitField  = 8190     // one field, bytes
	limitFields = 100      // number of fields
)
