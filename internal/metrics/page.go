package metrics

import (
	"math/bits"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

// The cells of a page are numbered. Each is one number: a counter with certain labels, or a
// bucket or the sum of a histogram.
const (
	mostLabels = 64 // labels of entities that a page can name; the rest count as other
	nameWords  = 4  // of 8 bytes, for the name of such a label; a longer name is cut
)

var (
	histogram  = len(Edges) + 2 // cells: one for each edge, one for what is larger, the sum in nanoseconds
	perRoute   = len(Methods) * len(Codes)
	durationAt = len(Routes) * perRoute // before it: requests
	acceptAt   = durationAt + len(Routes)*histogram
	queueAt    = acceptAt + histogram
	computeAt  = queueAt + histogram
	textsAt    = computeAt + histogram
	bytesAt    = textsAt + 1
	tokensAt   = bytesAt + 1
	rejectedAt = tokensAt + 1
	logAt      = rejectedAt + len(Reasons)
	entitiesAt = logAt + len(Severities)
	cells      = entitiesAt + mostLabels + 1
	usedWords  = (cells + 63) / 64
)

// PageSize is the size of a page in bytes, a multiple of the size of a page of memory. Most
// of it is never touched, so it takes no memory.
var PageSize = (8*(usedWords+mostLabels*nameWords+cells) + 4095) &^ 4095

// Page has the numbers of one worker, in shared memory. Only the worker counts. The methods
// of a nil *Page that count do nothing.
type Page struct {
	used  []atomic.Uint64 // a bit for each cell: it may be more than 0
	names []atomic.Uint64 // of entities' labels
	cells []atomic.Uint64
}

// NewPage returns the page in a piece of memory of PageSize bytes, which must be aligned to
// 8 bytes.
func NewPage(mem []byte) *Page {
	words := unsafe.Slice((*atomic.Uint64)(unsafe.Pointer(&mem[:PageSize][0])), PageSize/8)
	names := usedWords + mostLabels*nameWords
	return &Page{used: words[:usedWords], names: words[usedWords:names], cells: words[names : names+cells]}
}

// add adds n to a cell.
func (p *Page) add(i int, n uint64) {
	word, bit := &p.used[i/64], uint64(1)<<(i%64)
	if word.Load()&bit == 0 {
		word.Or(bit) // first: a number without its bit would be lost
	}
	p.cells[i].Add(n)
}

// observe adds a duration to the histogram whose first cell is at.
func (p *Page) observe(at int, d time.Duration) {
	d = max(d, 0)
	i := 0
	for i < len(Edges) && d > Edges[i] {
		i++
	}
	p.add(at+i, 1)
	p.add(at+histogram-1, uint64(d))
}

// Request counts a request that was answered, or whose client has gone (499), and how long
// it took.
func (p *Page) Request(route Route, method string, status int, took time.Duration) {
	if p == nil {
		return
	}
	p.Unread(route, method, status)
	p.observe(durationAt+int(route)*histogram, took)
}

// Unread counts a request that was answered although it could not be read.
func (p *Page) Unread(route Route, method string, status int) {
	if p != nil {
		p.add(int(route)*perRoute+methodOf(method)*len(Codes)+codeOf(status), 1)
	}
}

// Computed counts how long a request has waited for a place, and computed.
func (p *Page) Computed(queued, computed time.Duration) {
	if p != nil {
		p.observe(queueAt, queued)
		p.observe(computeAt, computed)
	}
}

// Accepted counts a connection that was accepted, and how long it has waited in the
// kernel's queue.
func (p *Page) Accepted(waited time.Duration) {
	if p != nil {
		p.observe(acceptAt, waited)
	}
}

// Text counts a text of size bytes that was computed. tokens is 0 if nobody knows them.
func (p *Page) Text(size, tokens int) {
	if p == nil {
		return
	}
	p.add(textsAt, 1)
	p.add(bytesAt, uint64(size))
	if tokens > 0 {
		p.add(tokensAt, uint64(tokens))
	}
}

// Rejected counts a request that was refused.
func (p *Page) Rejected(why Reason) {
	if p != nil {
		p.add(rejectedAt+int(why), 1)
	}
}

// Logged counts a message of the log.
func (p *Page) Logged(s Severity) {
	if p != nil {
		p.add(logAt+int(s), 1)
	}
}

// Label is a label of entities on a page.
type Label int

// OtherLabel is the label of entities that have none on the page.
const OtherLabel Label = mostLabels

// Labels writes the labels that entities can have on the page. It returns their numbers.
// A worker calls it once, before it counts an entity.
func (p *Page) Labels(names []string) map[string]Label {
	numbers := map[string]Label{}
	if p == nil {
		return numbers
	}
	for i, name := range names[:min(len(names), mostLabels)] {
		var buf [nameWords * 8]byte
		copy(buf[:], name)
		for w := range nameWords {
			p.names[i*nameWords+w].Store(*(*uint64)(unsafe.Pointer(&buf[w*8])))
		}
		numbers[name] = Label(i)
	}
	return numbers
}

// Entity counts an entity.
func (p *Page) Entity(l Label) {
	if p != nil {
		p.add(entitiesAt+int(l), 1)
	}
}

// label returns the name of a label.
func (p *Page) label(l Label) string {
	if l == OtherLabel {
		return Other
	}
	var buf [nameWords * 8]byte
	for w := range nameWords {
		*(*uint64)(unsafe.Pointer(&buf[w*8])) = p.names[int(l)*nameWords+w].Load()
	}
	n := 0
	for n < len(buf) && buf[n] != 0 {
		n++
	}
	return string(buf[:n])
}

// each calls f for each cell below end that is more than 0.
func (p *Page) each(end int, f func(cell int, n uint64)) {
	for w := range p.used[:(end+63)/64] {
		for rest := p.used[w].Load(); rest != 0; rest &= rest - 1 {
			i := w*64 + bits.TrailingZeros64(rest)
			if i >= end {
				return
			}
			if n := p.cells[i].Load(); n != 0 {
				f(i, n)
			}
		}
	}
}

// Reset clears the page for another worker.
func (p *Page) Reset() {
	p.each(cells, func(i int, _ uint64) { p.cells[i].Store(0) })
	for i := range p.used {
		p.used[i].Store(0)
	}
}

// Requests returns how many requests were answered, and how many of them with 5xx.
func (p *Page) Requests() (all, failed uint64) {
	p.each(durationAt, func(i int, n uint64) {
		all += n
		if Codes[i%len(Codes)][0] == '5' {
			failed += n
		}
	})
	return all, failed
}

// cellKeys returns the key of each cell up to entitiesAt. Workers do not need them.
var cellKeys = sync.OnceValue(func() []string {
	keys := make([]string, 0, entitiesAt)
	for _, route := range Routes {
		for _, method := range Methods {
			for _, code := range Codes {
				keys = append(keys, Key(RequestsTotal, route, method, code))
			}
		}
	}
	ends := slices.Concat(edgeNames(), []string{keyInf, keySum})
	of := func(labels ...string) {
		for _, end := range ends {
			keys = append(keys, Key(append(labels, end)...))
		}
	}
	for _, route := range Routes {
		of(RequestDuration, route)
	}
	of(AcceptWait)
	of(QueueDuration)
	of(ComputeDuration)
	keys = append(keys, Key(TextsTotal), Key(TextBytesTotal), Key(TokensTotal))
	for _, reason := range Reasons {
		keys = append(keys, Key(RejectedTotal, reason))
	}
	for _, severity := range Severities {
		keys = append(keys, Key(LogTotal, severity))
	}
	return keys
})
