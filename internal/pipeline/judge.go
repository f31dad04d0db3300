package pipeline

import (
	"errors"

	"github.com/sepwatch/sepwatch/internal/remote"
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

// localError is a mistake found here, before anything was sent.
type localError struct{ error }

func (e localError) Unwrap() error { return e.error }

func isLocal(err error) bool {
	var local localError
	return errors.As(err, &local)
}

// judge reads the class of a client's error. What it does not know is
// doubtful: it is looked up, not guessed.
func judge(err error) verdict {
	if err == nil {
		return done
	}
	if isLocal(err) {
		return refused
	}
	var failure *remote.Error
	if !errors.As(err, &failure) {
		return doubtful
	}
	switch failure.Class {
	case remote.Permanent, remote.NotFound:
		return refused
	case remote.Temporary, remote.Conflict:
		return later
	case remote.Unreachable, remote.Untrusted, remote.Throttled:
		return unavailable
	case remote.Unauthorized:
		return refusedLogin
	}
	return doubtful
}
