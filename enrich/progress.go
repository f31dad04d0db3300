package enrich

import (
	"cmp"
	"context"
	"fmt"
	"hash/maphash"
	"iter"

	"github.com/sepwatch/sepwatch/sepclient"
)

// OverallState is the state of a command on all its computers together, in
// the words that fn_sep's conditions test (contract: SEPM API B5, C12).
type OverallState string

// The states of a command.
const (
	// StateWaiting is one of which SEPM lists no computer yet.
	StateWaiting    OverallState = "Waiting/Not received"
	StateInProgress OverallState = "In progress"
	// StateCompleted is one that has ended on each computer, however it ended.
	StateCompleted OverallState = "Completed"
	// StateTimedout is one that has not ended in the time it was given. Late
	// results may still come.
	StateTimedout OverallState = "Timedout"
)

// maxFound bounds the matches that a Progress keeps.
const maxFound = 50_000

// StatusReader is the SEPM that tells how far commands are.
// [sepclient.Client] implements it.
type StatusReader interface {
	CommandStatus(ctx context.Context, id string) iter.Seq2[sepclient.CommandStatus, error]
}

// Progress is how far a command is, gathered from what SEPM says of each
// computer, one by one. It counts by computer: one that comes again, as one may
// while SEPM's list moves, counts with the furthest state that it had. Memory
// goes to the matches, and a few bytes to each computer.
//
// A new one is made for each poll: it says how things stand, and not what has
// changed.
type Progress struct {
	// excluded are the computers that do not count, by id.
	excluded map[string]bool

	seed      maphash.Seed
	computers map[uint64]standing
	counts    ProgressCounts
	found     []Found
	files     []UploadedFile
}

// standing is what is known of one computer.
type standing struct {
	state sepclient.CommandState
	// result is whether its result was counted.
	result bool
}

// ProgressCounts are numbers of computers, but for those that say otherwise.
type ProgressCounts struct {
	// Total are all that count; each is in one of the seven that follow.
	Total      int
	Waiting    int
	Received   int
	InProgress int
	Completed  int
	Rejected   int
	Cancelled  int
	Error      int

	// Excluded are those that were not to count, and came all the same: a
	// command for a group goes to all of it.
	Excluded int
	// NoResult have completed and reported nothing, Truncated something that
	// is cut off. Neither says that nothing was found.
	NoResult, Truncated int

	// Matches are different matches, on Matched computers.
	Matches, Matched int
	// Remediated, RemediationFailed and RemediationUnsupported are matches by
	// what became of them, RemediatedOn the computers with any remediated.
	Remediated, RemediationFailed, RemediationUnsupported int
	RemediatedOn                                          int

	// Unlisted are commands, not computers: those of which SEPM lists no
	// computer yet.
	Unlisted int
}

// Found is a match on a computer.
type Found struct {
	ComputerID, Computer string
	sepclient.Match
}

// UploadedFile is a file that a computer has given to SEPM.
type UploadedFile struct{ ComputerID, Computer, FileID string }

// NewProgress makes a Progress of nothing yet. Computers whose ids are in
// excluded do not count.
func NewProgress(excluded map[string]bool) *Progress {
	return &Progress{excluded: excluded, seed: maphash.MakeSeed(), computers: make(map[uint64]standing)}
}

// Read adds all computers of a command, which may have several ids.
func (p *Progress) Read(ctx context.Context, sepm StatusReader, ids ...string) error {
	for _, id := range ids {
		for _, err := range p.Walk(ctx, sepm, id) {
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// Walk adds the computers of one id of a command as they come, and yields
// those of which it says something that was not known before. It ends with the
// error where there is one.
func (p *Progress) Walk(ctx context.Context, sepm StatusReader, id string) iter.Seq2[sepclient.CommandStatus, error] {
	return func(yield func(sepclient.CommandStatus, error) bool) {
		listed := false
		for status, err := range sepm.CommandStatus(ctx, id) {
			if err != nil {
				yield(sepclient.CommandStatus{}, fmt.Errorf("status of command %s: %w", id, err))
				return
			}
			listed = true
			if status, news := p.Add(status); news && !yield(status, nil) {
				return
			}
		}
		if !listed {
			p.counts.Unlisted++
		}
	}
}

// Add counts a computer, and reports whether that says more of it than was
// known. It gives the computer with each match once: a client repeats a file
// for each piece of evidence that found it (contract: SEPM API A15). Of an
// excluded computer nothing is known.
func (p *Progress) Add(s sepclient.CommandStatus) (distinct sepclient.CommandStatus, news bool) {
	key := maphash.String(p.seed, cmp.Or(s.ComputerID, s.HardwareKey, s.Computer))
	before, again := p.computers[key]
	if p.excluded[s.ComputerID] {
		if !again {
			p.computers[key] = standing{}
			p.counts.Excluded++
		}
		return s, false
	}
	if s.State != sepclient.CommandCompleted {
		s.Result = nil // what comes before the end is not whole
	}
	now := standing{state: s.State, result: s.Result != nil}
	if again && !now.further(before) {
		return s, false
	}
	if again {
		p.count(before, -1)
	} else {
		p.counts.Total++
	}
	p.computers[key] = now
	p.count(now, 1)
	if now.result {
		s.Result = distinctMatches(s.Result)
		p.take(s)
	}
	if s.FileID != "" && len(p.files) < maxFound {
		p.files = append(p.files, UploadedFile{s.ComputerID, s.Computer, s.FileID})
	}
	return s, true
}

// further reports whether a computer has come on. No state follows a final
// one; of two, the one in which the command was done counts.
func (s standing) further(before standing) bool {
	rank := func(s standing) int {
		switch {
		case s.state == sepclient.CommandCompleted && s.result:
			return 6
		case s.state == sepclient.CommandCompleted:
			return 5
		case s.state.Final():
			return 4
		case s.state >= sepclient.CommandInitial && s.state <= sepclient.CommandInProgress:
			return int(s.state) + 1
		}
		return 0
	}
	return rank(s) > rank(before)
}

func (p *Progress) count(s standing, n int) {
	c := &p.counts
	switch s.state {
	case sepclient.CommandInitial:
		c.Waiting += n
	case sepclient.CommandReceived:
		c.Received += n
	case sepclient.CommandCompleted:
		c.Completed += n
		if !s.result {
			c.NoResult += n
		}
	case sepclient.CommandRejected:
		c.Rejected += n
	case sepclient.CommandCancelled:
		c.Cancelled += n
	case sepclient.CommandError:
		c.Error += n
	default: // a state that is not known is not known to be final either
		c.InProgress += n
	}
}

// take counts what a computer has found.
func (p *Progress) take(s sepclient.CommandStatus) {
	result, c := s.Result, &p.counts
	if result.Err != nil {
		c.Truncated++
	}
	if len(result.Matches) > 0 {
		c.Matched++
	}
	remediated := c.Remediated
	for _, m := range result.Matches {
		c.Matches++
		switch m.Remediation {
		case sepclient.RemediationSucceeded:
			c.Remediated++
		case sepclient.RemediationFailed:
			c.RemediationFailed++
		case sepclient.RemediationUnsupported:
			c.RemediationUnsupported++
		}
		if len(p.found) < maxFound {
			p.found = append(p.found, Found{s.ComputerID, s.Computer, m})
		}
	}
	if c.Remediated > remediated {
		c.RemediatedOn++
	}
}

// distinctMatches is a result with each match once.
func distinctMatches(r *sepclient.ScanResult) *sepclient.ScanResult {
	if r == nil || len(r.Matches) < 2 {
		return r
	}
	type identity struct {
		kind        sepclient.MatchKind
		path        string
		hash        sepclient.FileHash
		remediation sepclient.Remediation
	}
	seen := make(map[identity]bool, len(r.Matches))
	distinct := &sepclient.ScanResult{Err: r.Err}
	for _, m := range r.Matches {
		if id := (identity{m.Kind, m.Path, m.Hash, m.Remediation}); !seen[id] {
			seen[id] = true
			distinct.Matches = append(distinct.Matches, m)
		}
	}
	return distinct
}

// Counts are the counts so far.
func (p *Progress) Counts() ProgressCounts { return p.counts }

// Matches are the matches so far, in the order in which they came. Of more
// than 50,000 it has the first; [ProgressCounts.Matches] counts them all.
func (p *Progress) Matches() []Found { return p.found }

// Files are the files that computers have uploaded.
func (p *Progress) Files() []UploadedFile { return p.files }

// State is the state of the command on all computers that count. The time-out
// says nothing of one that has completed.
func (p *Progress) State(timedOut bool) OverallState {
	c := p.counts
	switch {
	case c.Unlisted == 0 && c.Total+c.Excluded > 0 && c.Waiting+c.Received+c.InProgress == 0:
		return StateCompleted
	case timedOut:
		return StateTimedout
	case c.Total+c.Excluded == 0:
		return StateWaiting
	}
	return StateInProgress
}
