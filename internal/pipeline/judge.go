package pipeline

import (
	"errors"

	"github.com/sepwatch/sepwatch/resilient"
	"github.com/sepwatch/sepwatch/sepclient"
)

// verdict is what an answer means for the work that asked.
type verdict int

const (
	// done: it was done.
	done verdict = iota
	// refused: it was not done and never will be as it was asked.
	refused
	// later: it was not done; asking again may help.
	later
	// unavailable: it was not done, since the system cannot answer anyone.
	unavailable
	// refusedLogin is unavailable because the system does not let us in.
	refusedLogin
	// doubtful: nobody knows whether it was done.
	doubtful
)

// judge reads the classes of both clients' errors. What it does not know, a
// decoding error of an answer for one, is doubtful: it is looked up, not
// guessed.
func judge(err error) verdict {
	if err == nil {
		return done
	}
	var r *resilient.Error
	if errors.As(err, &r) {
		switch r.Class {
		case resilient.Permanent:
			return refused
		case resilient.Temporary, resilient.Conflict:
			return later
		case resilient.Unreachable, resilient.Untrusted, resilient.Throttled:
			return unavailable
		case resilient.Unauthorized:
			return refusedLogin
		}
		return doubtful
	}
	var s *sepclient.Error
	if errors.As(err, &s) {
		switch s.Class {
		case sepclient.Permanent, sepclient.NotFound:
			return refused
		case sepclient.Temporary, sepclient.Conflict:
			return later
		case sepclient.Unreachable, sepclient.Untrusted, sepclient.Throttled:
			return unavailable
		case sepclient.Unauthorized:
			return refusedLogin
		}
	}
	return doubtful
}
