package pipeline

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/remote"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	class := func(c remote.Class) error { return fmt.Errorf("look up: %w", &remote.Error{Class: c}) }
	for want, errs := range map[verdict][]error{
		done:         {nil},
		refused:      {class(remote.Permanent), class(remote.NotFound), localError{errors.New("bad body")}},
		later:        {class(remote.Temporary), class(remote.Conflict)},
		unavailable:  {class(remote.Unreachable), class(remote.Untrusted), class(remote.Throttled)},
		refusedLogin: {class(remote.Unauthorized)},
		doubtful:     {class(remote.Ambiguous), class("of a later version"), errors.New("?"), context.DeadlineExceeded},
	} {
		for _, err := range errs {
			require.Equal(t, want, judge(err), "%v", err)
		}
	}
}
