package enrich_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/sepwatch/sepwatch/enrich"
	"github.com/sepwatch/sepwatch/sepclient"
)

// statuses is a SEPM that has these commands, by id.
type statuses map[string][]sepclient.CommandStatus

func (s statuses) CommandStatus(_ context.Context, id string) iter.Seq2[sepclient.CommandStatus, error] {
	return func(yield func(sepclient.CommandStatus, error) bool) {
		list, known := s[id]
		if !known {
			yield(sepclient.CommandStatus{}, errors.New("no such command"))
			return
		}
		for _, status := range list {
			if !yield(status, nil) {
				return
			}
		}
	}
}

func at(id string, state sepclient.CommandState, matches ...sepclient.Match) sepclient.CommandStatus {
	s := sepclient.CommandStatus{ComputerID: id, Computer: "PC-" + id, State: state}
	if matches != nil {
		s.Result = &sepclient.ScanResult{Matches: matches}
	}
	return s
}

func match(kind sepclient.MatchKind, path string, r sepclient.Remediation) sepclient.Match {
	return sepclient.Match{Kind: kind, Path: path, Remediation: r}
}

// TestProgressStates is C8: the state is that of all computers, not of the
// first, and one that was rejected has ended (C36).
func TestProgressStates(t *testing.T) {
	t.Parallel()
	const (
		initial, received, running  = sepclient.CommandInitial, sepclient.CommandReceived, sepclient.CommandInProgress
		done, rejected, cancelled   = sepclient.CommandCompleted, sepclient.CommandRejected, sepclient.CommandCancelled
		failed, unknown, notYetSaid = sepclient.CommandError, sepclient.CommandState(7), sepclient.CommandState(-1)
	)
	for _, tt := range []struct {
		states   []sepclient.CommandState
		want     enrich.OverallState
		timedOut enrich.OverallState
	}{
		{nil, enrich.StateWaiting, enrich.StateTimedout},
		{[]sepclient.CommandState{initial}, enrich.StateInProgress, enrich.StateTimedout},
		{[]sepclient.CommandState{done, initial}, enrich.StateInProgress, enrich.StateTimedout},
		{[]sepclient.CommandState{done, received}, enrich.StateInProgress, enrich.StateTimedout},
		{[]sepclient.CommandState{done, running}, enrich.StateInProgress, enrich.StateTimedout},
		{[]sepclient.CommandState{done, unknown}, enrich.StateInProgress, enrich.StateTimedout},
		{[]sepclient.CommandState{done, notYetSaid}, enrich.StateInProgress, enrich.StateTimedout},
		{[]sepclient.CommandState{running, done}, enrich.StateInProgress, enrich.StateTimedout},
		{[]sepclient.CommandState{done, rejected, cancelled, failed}, enrich.StateCompleted, enrich.StateCompleted},
		{[]sepclient.CommandState{rejected}, enrich.StateCompleted, enrich.StateCompleted},
	} {
		list := []sepclient.CommandStatus{}
		for i, state := range tt.states {
			list = append(list, at(fmt.Sprint(i), state))
		}
		p := enrich.NewProgress(nil)
		require.NoError(t, p.Read(t.Context(), statuses{"A": list}, "A"))
		require.Equal(t, tt.want, p.State(false), "%v", tt.states)
		require.Equal(t, tt.timedOut, p.State(true), "%v", tt.states)
	}
}

// TestProgressOfSeveralIDs is a command that SEPM took in parts: while it lists
// nobody of one part, the command has not completed.
func TestProgressOfSeveralIDs(t *testing.T) {
	t.Parallel()
	sepm := statuses{"A": {at("1", sepclient.CommandCompleted)}, "B": {}}
	p := enrich.NewProgress(nil)
	require.NoError(t, p.Read(t.Context(), sepm, "A", "B"))
	require.Equal(t, 1, p.Counts().Unlisted)
	require.Equal(t, enrich.StateInProgress, p.State(false))

	sepm["B"] = []sepclient.CommandStatus{at("2", sepclient.CommandRejected)}
	p = enrich.NewProgress(nil)
	require.NoError(t, p.Read(t.Context(), sepm, "A", "B"))
	require.Equal(t, enrich.StateCompleted, p.State(false))
	require.Equal(t, enrich.ProgressCounts{Total: 2, Completed: 1, NoResult: 1, Rejected: 1}, p.Counts())

	require.ErrorContains(t, enrich.NewProgress(nil).Read(t.Context(), sepm, "A", "C"), "status of command C: no such command")
}

// TestProgressCounts is what became of the matches, C21 and C36: what a client
// could not remediate has not failed, and what it repeats counts once.
func TestProgressCounts(t *testing.T) {
	t.Parallel()
	cut := at("2", sepclient.CommandCompleted, match(sepclient.FullMatch, `C:\b`, sepclient.RemediationUnsupported))
	cut.Result.Err = sepclient.ErrTruncated
	early := at("4", sepclient.CommandInProgress, match(sepclient.HashMatch, `C:\c`, ""))
	upload := at("3", sepclient.CommandCompleted)
	upload.FileID = "F"
	p := enrich.NewProgress(map[string]bool{"9": true})
	require.NoError(t, p.Read(t.Context(), statuses{"A": {
		at("1", sepclient.CommandCompleted,
			match(sepclient.HashMatch, `C:\a`, sepclient.RemediationSucceeded),
			match(sepclient.HashMatch, `C:\a`, sepclient.RemediationSucceeded),
			match(sepclient.HashMatch, `C:\stuck`, sepclient.RemediationFailed)),
		cut, upload, early, at("9", sepclient.CommandInitial), at("9", sepclient.CommandInitial),
		at("5", sepclient.CommandCompleted, []sepclient.Match{}...),
	}}, "A"))
	require.Equal(t, enrich.ProgressCounts{
		Total: 5, Completed: 4, InProgress: 1, Excluded: 1, NoResult: 1, Truncated: 1,
		Matches: 3, Matched: 2, Remediated: 1, RemediationFailed: 1, RemediationUnsupported: 1, RemediatedOn: 1,
	}, p.Counts())
	require.Equal(t, []enrich.Found{
		{"1", "PC-1", match(sepclient.HashMatch, `C:\a`, sepclient.RemediationSucceeded)},
		{"1", "PC-1", match(sepclient.HashMatch, `C:\stuck`, sepclient.RemediationFailed)},
		{"2", "PC-2", match(sepclient.FullMatch, `C:\b`, sepclient.RemediationUnsupported)},
	}, p.Matches())
	require.Equal(t, []enrich.UploadedFile{{"3", "PC-3", "F"}}, p.Files())
}

// TestProgressOfExcludedOnly does not wait for those that do not count.
func TestProgressOfExcludedOnly(t *testing.T) {
	t.Parallel()
	p := enrich.NewProgress(map[string]bool{"9": true})
	require.NoError(t, p.Read(t.Context(), statuses{"A": {at("9", sepclient.CommandInitial)}}, "A"))
	require.Equal(t, enrich.StateCompleted, p.State(false))
}

// TestProgressKeepsTheFurthest: however often a computer comes, and in whatever
// order, it counts once, with the furthest of its states and its result.
func TestProgressKeepsTheFurthest(t *testing.T) {
	t.Parallel()
	found := match(sepclient.HashMatch, `C:\a`, "")
	rapid.Check(t, func(t *rapid.T) {
		states := rapid.SliceOfN(rapid.IntRange(0, 6), 1, 6).Draw(t, "states")
		withResult := rapid.Bool().Draw(t, "result")
		p, news := enrich.NewProgress(nil), 0
		furthest := -1
		for _, state := range states {
			status := at("1", sepclient.CommandState(state))
			if state == int(sepclient.CommandCompleted) && withResult {
				status = at("1", sepclient.CommandCompleted, found)
			}
			if _, more := p.Add(status); more {
				news++
			}
			rank := state
			if state == int(sepclient.CommandCompleted) {
				rank = 10
			} else if state > int(sepclient.CommandCompleted) {
				rank = 5
			}
			furthest = max(furthest, rank)
		}
		c := p.Counts()
		require.Equal(t, 1, c.Total)
		require.Equal(t, 1, c.Waiting+c.Received+c.InProgress+c.Completed+c.Rejected+c.Cancelled+c.Error)
		require.LessOrEqual(t, news, 5)
		switch furthest {
		case 10:
			require.Equal(t, 1, c.Completed)
		case 5:
			require.Equal(t, 1, c.Rejected+c.Cancelled+c.Error)
		default:
			require.Equal(t, [3]int{c.Waiting, c.Received, c.InProgress}[furthest], 1)
		}
		if furthest == 10 && withResult {
			require.Equal(t, 1, c.Matches)
			require.Equal(t, 1, c.Matched)
			require.Zero(t, c.NoResult)
		} else {
			require.Zero(t, c.Matches)
		}
	})
}

// TestProgressTakesAResultThatComesLater: a client may be listed as through
// before its result is there.
func TestProgressTakesAResultThatComesLater(t *testing.T) {
	t.Parallel()
	p := enrich.NewProgress(nil)
	p.Add(at("1", sepclient.CommandCompleted))
	_, news := p.Add(at("1", sepclient.CommandCompleted, match(sepclient.HashMatch, `C:\a`, "")))
	require.True(t, news)
	require.Equal(t, enrich.ProgressCounts{Total: 1, Completed: 1, Matches: 1, Matched: 1}, p.Counts())
}

// TestProgressIsBounded: matches are counted and not all kept.
func TestProgressIsBounded(t *testing.T) {
	t.Parallel()
	p := enrich.NewProgress(nil)
	many := make([]sepclient.Match, 10_000)
	for i := range many {
		many[i] = match(sepclient.HashMatch, fmt.Sprint(i), "")
	}
	for i := range 6 {
		p.Add(at(fmt.Sprint(i), sepclient.CommandCompleted, many...))
	}
	require.Equal(t, 60_000, p.Counts().Matches)
	require.Len(t, p.Matches(), 50_000)
}
