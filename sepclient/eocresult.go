package sepclient

import (
	"cmp"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"iter"
	"slices"

	"github.com/sepwatch/sepwatch/internal/remote"
)

// MatchKind says how a client found a file. One that is not known here is
// kept as SEPM has it.
type MatchKind string

// The kinds of match (A15).
const (
	NoMatch   MatchKind = "NO_MATCH"
	HashMatch MatchKind = "HASH_MATCH"
	// FullMatch is a name or path that is wholly the one searched for,
	// PartialMatch presumably the same name elsewhere or with another hash.
	FullMatch    MatchKind = "FULL_MATCH"
	PartialMatch MatchKind = "PARTIAL_MATCH"
)

// Remediation is what a client did about a match; empty where it was not
// asked to.
type Remediation string

// The outcomes of remediation.
const (
	RemediationSucceeded   Remediation = "SUCCEEDED"
	RemediationFailed      Remediation = "FAILED"
	RemediationUnsupported Remediation = "UNSUPPORTED" // a match by name
)

// Match is what a client says about one piece of evidence.
type Match struct {
	Kind MatchKind
	// Searched is the evidence. For one search by name and hash a client has
	// several answers, of which each may name both.
	Searched Evidence
	// Path and Hash are those of the file that was found. NoMatch has none.
	Path        string
	Hash        FileHash
	Remediation Remediation
}

// maxMatches bounds the different matches of one result.
const maxMatches = 10_000

// Matches reads the EOC result of one client, and yields each different match
// when its piece of evidence has been read. An empty result has none. The last
// that it yields may be an error, and what came before it is true all the
// same: [ErrTruncated], or that the text is no result or has too many matches.
func Matches(result io.Reader) iter.Seq2[Match, error] {
	return func(yield func(Match, error) bool) {
		e := eocReader{tagReader: tagReader{cutter{page: result}}, yield: yield}
		e.read()
	}
}

// eocReader reads one result.
type eocReader struct {
	tagReader
	yield func(Match, error) bool
	depth int
	// searched and hashes are the File that is being read, found its matches:
	// a Matched may come before the Hash that it is about.
	inFile   bool
	searched string
	hashes   []FileHash
	found    []Match
	seen     map[uint64]bool // sums of matches, which are large
}

// errStop is a reader that wants no more matches.
var errStop = errors.New("stop")

func (e *eocReader) read() {
	if e.next() == 0 && (e.err == nil || e.err == io.EOF) {
		return
	}
	err := e.document()
	if err == errStop {
		return
	}
	// A result that is cut off within a File has said what was found.
	if err = cmp.Or(e.flush(), err); err != nil && err != errStop {
		e.yield(Match{}, fmt.Errorf("EOC result: %w", err))
	}
}

func (e *eocReader) document() error {
	for {
		tag, err := e.nextTag()
		if err != nil {
			return err
		}
		name, rest, end, empty := tagName(tag)
		if e.depth == 0 && (end || string(name) != "EOC") {
			return fmt.Errorf("it begins with <%s> in place of <EOC>", remote.Printable(string(tag[:min(len(tag), 40)])))
		}
		if end {
			e.depth--
			if string(name) == "File" {
				if err := e.flush(); err != nil {
					return err
				}
			}
		} else {
			e.depth++
			if err := e.element(string(name), rest); err != nil {
				return err
			}
			if empty {
				e.depth--
				e.inFile = e.inFile && string(name) != "File"
			}
		}
		if e.depth == 0 {
			return nil
		}
	}
}

// element reads the tag that begins an element.
func (e *eocReader) element(name string, rest []byte) error {
	switch {
	case name == "File":
		if err := e.flush(); err != nil {
			return err
		}
		e.inFile, e.searched, e.hashes = true, "", e.hashes[:0]
		return attributes(rest, func(key, value []byte) {
			if string(key) == "name" {
				e.searched = unescape(value)
			}
		})
	case !e.inFile:
	case name == "Hash":
		var h FileHash
		err := attributes(rest, func(key, value []byte) {
			switch string(key) {
			case "name":
				h.Kind = word(value, SHA256, SHA1, MD5)
			case "value":
				h.Value = unescape(value)
			}
		})
		if h.Value != "" && len(e.hashes) < 8 { // there are three kinds
			e.hashes = append(e.hashes, h.canonical())
		}
		return err
	case name == "Matched":
		return e.matched(rest)
	}
	return nil
}

func (e *eocReader) matched(rest []byte) error {
	var m Match
	err := attributes(rest, func(key, value []byte) {
		switch string(key) {
		case "result":
			m.Kind = word(value, NoMatch, HashMatch, FullMatch, PartialMatch)
		case "value":
			m.Path = unescape(value)
		case "remediation":
			m.Remediation = word(value, RemediationSucceeded, RemediationFailed, RemediationUnsupported)
		case "hashType":
			m.Hash.Kind = word(value, SHA256, SHA1, MD5)
		case "hashValue":
			m.Hash.Value = unescape(value)
		}
	})
	if err != nil {
		return err
	}
	const most = 1000
	if e.found = append(e.found, m); len(e.found) >= most {
		return e.yieldFound()
	}
	return nil
}

// flush ends the File that is being read.
func (e *eocReader) flush() error {
	err := e.yieldFound()
	e.inFile = false
	return err
}

func (e *eocReader) yieldFound() error {
	for _, m := range e.found {
		m = e.complete(m)
		sum := maphash.Comparable(sumSeed, m)
		if e.seen[sum] {
			continue
		}
		if len(e.seen) == maxMatches {
			return fmt.Errorf("it has more than %d different matches", maxMatches)
		}
		if e.seen == nil {
			e.seen = make(map[uint64]bool)
		}
		e.seen[sum] = true
		if !e.yield(m, nil) {
			return errStop
		}
	}
	e.found = e.found[:0]
	return nil
}

// complete adds to a match what its File says of it (A15). A match by hash has
// its hash beside it, one by name within.
func (e *eocReader) complete(m Match) Match {
	m.Hash = m.Hash.canonical()
	m.Searched.Name = e.searched
	if len(e.hashes) > 0 {
		m.Searched.Hash = e.hashes[0]
	}
	if i := slices.IndexFunc(e.hashes, func(h FileHash) bool { return h.Kind == m.Hash.Kind }); i >= 0 {
		m.Searched.Hash = e.hashes[i]
	}
	if m.Hash.Value == "" {
		m.Hash = FileHash{}
		if m.Kind == HashMatch {
			m.Hash = m.Searched.Hash
		}
	}
	return m
}

// word is the known word that a value is, or the value itself. A known one
// takes no memory.
func word[T ~string](value []byte, known ...T) T {
	for _, w := range known {
		if string(value) == string(w) {
			return w
		}
	}
	return T(unescape(value))
}
