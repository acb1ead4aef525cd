package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"unicode"
)

const magic = "narwhal parity 1\n"

// text is one line of the corpus.
type text struct {
	Source string `json:"source"`
	Text   string `json:"text"`
}

func readCorpus(path string) ([]text, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var texts []text
	for d := json.NewDecoder(bufio.NewReader(f)); ; {
		var t text
		if err := d.Decode(&t); errors.Is(err, io.EOF) {
			return texts, nil
		} else if err != nil {
			return nil, fmt.Errorf("%s: text %d: %w", path, len(texts), err)
		}
		texts = append(texts, t)
	}
}

// header describes the reference: its versions, its labels, and the code points that its
// Python does not know.
type header struct {
	Spacy      string
	Thinc      string
	Python     string
	Unicode    string
	Unassigned [][2]rune
	Labels     []string
	Sents      bool // the pipeline finds sentences

	excused map[rune]bool
}

func (h *header) String() string {
	return fmt.Sprintf("spaCy %s, thinc %s, Python %s (Unicode %s) against Go (Unicode %s); code points only one of them knows: %d",
		h.Spacy, h.Thinc, h.Python, h.Unicode, unicode.Version, len(h.excused))
}

// findExcused finds the code points that only one side's version of Unicode assigns.
func (h *header) findExcused() {
	h.excused = map[rune]bool{}
	unknown := map[rune]bool{}
	for _, r := range h.Unassigned {
		for c := r[0]; c < r[1]; c++ {
			unknown[c] = true
		}
	}
	for c := rune(0); c <= unicode.MaxRune; c++ {
		if unknown[c] != unicode.Is(unicode.Cn, c) {
			h.excused[c] = true
		}
	}
}

func (h *header) excuses(s string) bool {
	for _, r := range s {
		if h.excused[r] {
			return true
		}
	}
	return false
}

// record is spaCy's answer to one text, as reference.py writes it.
type record struct {
	index  int
	start  []uint32
	length []uint32
	flags  []byte
	ids    [5][]uint64 // ORTH, NORM, PREFIX, SUFFIX, SHAPE
	ents   [2][]entity // with all components, without those that find sentences
}

type entity struct{ Start, End, Label uint32 }

const (
	flagSpace   = 1
	flagIsSpace = 2
	flagSent    = 4
)

// eachRecord calls do for every record of a file, in procs goroutines. It fails if do
// fails, or if the file is cut off.
func eachRecord(path string, procs int, do func(*header, *record) error) (*header, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 1<<20)
	head, err := readHeader(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	records := make(chan *record)
	failed := make(chan error, procs)
	var wg sync.WaitGroup
	for range procs {
		wg.Go(func() {
			for rec := range records {
				if err := do(head, rec); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	err = feed(r, records, failed)
	close(records)
	wg.Wait()
	select {
	case e := <-failed:
		err = errors.Join(err, e)
	default:
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return head, nil
}

// feed reads records until the file ends, or until one of the goroutines that take them
// fails.
func feed(r io.Reader, records chan<- *record, failed <-chan error) error {
	for {
		rec, err := readRecord(r)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		select {
		case records <- rec:
		case err := <-failed:
			return err
		}
	}
}

func readHeader(r io.Reader) (*header, error) {
	start := make([]byte, len(magic)+4)
	if _, err := io.ReadFull(r, start); err != nil || string(start[:len(magic)]) != magic {
		return nil, fmt.Errorf("not an answer of reference.py: it begins with %q, %w", start, err)
	}
	raw := make([]byte, binary.LittleEndian.Uint32(start[len(magic):]))
	if _, err := io.ReadFull(r, raw); err != nil {
		return nil, err
	}
	h := &header{}
	if err := json.Unmarshal(raw, h); err != nil {
		return nil, err
	}
	h.findExcused()
	return h, nil
}

func readRecord(r io.Reader) (*record, error) {
	var n [4]uint32
	if err := binary.Read(r, binary.LittleEndian, &n); err != nil {
		return nil, err // io.EOF between two records is the end
	}
	rec := &record{
		index: int(n[0]), start: make([]uint32, n[1]), length: make([]uint32, n[1]), flags: make([]byte, n[1]),
		ents: [2][]entity{make([]entity, n[2]), make([]entity, n[3])},
	}
	parts := []any{rec.start, rec.length, rec.flags}
	for k := range rec.ids {
		rec.ids[k] = make([]uint64, n[1])
		parts = append(parts, rec.ids[k])
	}
	for _, part := range append(parts, rec.ents[0], rec.ents[1]) {
		if err := binary.Read(r, binary.LittleEndian, part); err != nil {
			return nil, fmt.Errorf("text %d is cut off: %w", n[0], err)
		}
	}
	return rec, nil
}
