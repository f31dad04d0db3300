package sepclient_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
	"github.com/sepwatch/sepwatch/sepclient"
)

// statuses are how the computers are with a command, by their ids. What is
// said of each computer, and its state, is what the stand-in holds.
func (b *bench) statuses(t *testing.T, command string) map[string]sepclient.CommandStatus {
	t.Helper()
	all, err := collect(b.client.CommandStatus(t.Context(), command))
	require.NoError(t, err)
	held := b.command(t, command)
	byID := map[string]sepclient.CommandStatus{}
	for _, s := range all {
		require.NotContains(t, byID, s.ComputerID, "each once")
		byID[s.ComputerID] = s
		c, found := b.sepm.Computer(s.ComputerID)
		require.True(t, found)
		require.Equal(t, []string{c.HardwareKey, c.Name, c.IPs[0], c.Domain.Name, c.User}, []string{s.HardwareKey, s.Computer, s.IP, s.Domain, s.User})
		i := slices.IndexFunc(held.Targets, func(target sepm.Target) bool { return target.ComputerID == s.ComputerID })
		require.GreaterOrEqual(t, i, 0)
		require.Equal(t, held.Targets[i].State, int(s.State))
		require.Equal(t, held.Targets[i].FileID, s.FileID)
		if s.State.Final() {
			require.Equal(t, held.Targets[i].SubState, int(s.SubState))
		}
		require.Equal(t, s.State == sepclient.CommandInitial, s.Updated.IsZero())
		require.Equal(t, b.clock.Now(), s.AsOf)
	}
	if len(all) > 0 {
		require.Len(t, all, len(held.Targets))
	}
	return byID
}

func (b *bench) command(t *testing.T, id string) sepm.Command {
	t.Helper()
	for _, c := range b.sepm.Commands() {
		if c.ID == id {
			return c
		}
	}
	t.Fatalf("the stand-in has no command %s", id)
	return sepm.Command{}
}

// one is the id of a command that took one request.
func one(t *testing.T, sent sepclient.Sent, err error) string {
	t.Helper()
	require.NoError(t, err)
	require.Len(t, sent.IDs(), 1)
	return sent.IDs()[0]
}

// TestStandInRunsCommands: each kind of command, from when SEPM has it to when
// its last client is through. One client is offline at first, one finds risks,
// and one rejects everything.
func TestStandInRunsCommands(t *testing.T) {
	t.Parallel()
	rejection := sepm.Outcome{State: 4, SubState: 131, Text: "Delete from quarantine failed."}
	inEach(t, map[string]variant{
		"max page size":    func(o *sepm.Options) { o.MaxPageSize = 1; o.PastEnd400 = true },
		"merge hardware":   func(o *sepm.Options) { o.MergeHardware = true },
		"close after post": func(o *sepm.Options) { o.CloseAfterPost = true },
		"quarantine text":  func(o *sepm.Options) { o.QuarantineText = "The client has been QUARANTINED by admin." },
	}, func(t *testing.T, o sepm.Options) {
		o.Computers = sepm.Fleet(1, 4)
		for i := range o.Computers {
			c := &o.Computers[i]
			c.Offline, c.Infected, c.Integrity = i == 1, i == 2, sepm.IntegrityDisabled
		}
		o.Computers[3].Outcome = rejection
		b := standIn(t, o)
		ids := mapped(o.Computers, func(c sepm.Computer) string { return c.ID })
		online, offline, infected, rejecting := ids[0], ids[1], ids[2], ids[3]
		to := sepclient.Targets{Computers: ids}
		for _, tt := range []struct {
			kind         string
			undo         bool
			send         func() (sepclient.Sent, error)
			success, bad sepclient.CommandSubState // of the infected one
			quarantined  []string
		}{
			{"activescan", false, func() (sepclient.Sent, error) { return b.client.ActiveScan(t.Context(), to) }, sepclient.SubStateScanSuccess, sepclient.SubStateRiskFound, nil},
			{"fullscan", false, func() (sepclient.Sent, error) { return b.client.FullScan(t.Context(), to) }, sepclient.SubStateScanSuccess, sepclient.SubStateRiskFound, nil},
			{"updatecontent", false, func() (sepclient.Sent, error) { return b.client.UpdateContent(t.Context(), to) }, 0, 0, nil},
			{"quarantine", false, func() (sepclient.Sent, error) { return b.client.Quarantine(t.Context(), to) }, 0, 0, []string{online, offline, infected}},
			{"quarantine", true, func() (sepclient.Sent, error) { return b.client.UndoQuarantine(t.Context(), to) }, 0, 0, nil},
		} {
			b.sepm.ChangeComputer(offline, func(c *sepm.Computer) { c.Offline = true })
			sent, err := tt.send()
			command := one(t, sent, err)
			held := b.command(t, command)
			require.Equal(t, [4]any{tt.kind, "computer", tt.undo, false}, [4]any{held.Kind, held.By, held.Undo, held.Power})
			require.Equal(t, ids, mapped(held.Targets, func(target sepm.Target) string { return target.ComputerID }))
			begun := b.clock.Now()

			require.Empty(t, b.statuses(t, command), "SEPM lists it a moment later")
			states := func() (states []sepclient.CommandState) {
				got := b.statuses(t, command)
				for _, id := range ids {
					states = append(states, got[id].State)
				}
				return states
			}
			const initial, received, working, done, rejected = sepclient.CommandInitial, sepclient.CommandReceived,
				sepclient.CommandInProgress, sepclient.CommandCompleted, sepclient.CommandRejected
			b.clock.advance(time.Second)
			require.Equal(t, []sepclient.CommandState{initial, initial, initial, initial}, states())
			b.clock.advance(4 * time.Second)
			require.Equal(t, []sepclient.CommandState{received, initial, received, received}, states())
			b.clock.advance(time.Second)
			require.Equal(t, []sepclient.CommandState{working, initial, working, working}, states())
			if tt.kind == "updatecontent" {
				require.Equal(t, sepclient.SubStateDownloadRunning, b.statuses(t, command)[online].SubState)
			}
			b.clock.advance(4 * time.Second)
			require.Equal(t, []sepclient.CommandState{done, initial, done, rejected}, states())
			b.sepm.ChangeComputer(offline, func(c *sepm.Computer) { c.Offline = false })
			b.clock.advance(10 * time.Second)
			require.Equal(t, []sepclient.CommandState{done, done, done, rejected}, states())

			end := b.statuses(t, command)
			require.Equal(t, [2]time.Time{begun.Add(5 * time.Second), begun.Add(10 * time.Second)}, [2]time.Time{end[online].Began, end[online].Updated})
			require.Equal(t, begun.Add(20*time.Second), end[offline].Updated)
			require.Equal(t, [2]sepclient.CommandSubState{tt.success, tt.bad}, [2]sepclient.CommandSubState{end[online].SubState, end[infected].SubState})
			require.Equal(t, sepclient.SubStateQuarantineDeleteFailed, end[rejecting].SubState)
			require.Equal(t, rejection.Text, end[rejecting].Detail)
			require.Nil(t, end[online].Result)

			require.ElementsMatch(t, tt.quarantined, b.sepm.Quarantined())
			computers, err := collect(b.client.Computers(t.Context(), sepclient.ComputerQuery{}))
			require.NoError(t, err)
			for _, c := range computers {
				require.Equal(t, slices.Contains(tt.quarantined, c.ID), strings.Contains(strings.ToLower(c.QuarantineDesc), "quarantined"), c.QuarantineDesc)
			}
		}
	})
}

// TestStandInRunsAGroupsCommand: groups have a command of their own, which
// every client in them gets, and computers theirs.
func TestStandInRunsAGroupsCommand(t *testing.T) {
	t.Parallel()
	inEach(t, map[string]variant{"unknown target 404": func(o *sepm.Options) { o.UnknownTarget404 = true }}, func(t *testing.T, o sepm.Options) {
		o.Computers = sepm.Fleet(1, 45)
		b := standIn(t, o, func(so *sepclient.Options) { so.PageSize = 4 })
		group, single := o.Computers[0].Group.ID, ""
		var members []string
		for _, c := range b.sepm.Computers() {
			if c.Group.ID == group {
				members = append(members, c.ID)
			} else {
				single = c.ID
			}
		}
		sent, err := b.client.Quarantine(t.Context(), sepclient.Targets{Computers: []string{single}, Groups: []string{group}})
		require.NoError(t, err)
		require.Len(t, sent.Parts, 2)
		for i, want := range []struct {
			by      string
			targets []string
		}{{"computer", []string{single}}, {"group", members}} {
			held := b.command(t, sent.IDs()[i])
			require.Equal(t, want.by, held.By)
			require.ElementsMatch(t, want.targets, mapped(held.Targets, func(target sepm.Target) string { return target.ComputerID }))
			b.clock.advance(time.Second)
			require.Len(t, b.statuses(t, held.ID), len(want.targets))
		}

		// Of several targets one that SEPM does not know is left out, or all are.
		sent, err = b.client.ActiveScan(t.Context(), sepclient.Targets{Computers: []string{single, id("9")}})
		if o.UnknownTarget404 {
			require.ErrorIs(t, err, sepclient.ErrNotFound)
			require.Len(t, b.sepm.Commands(), 2)
			return
		}
		held := b.command(t, one(t, sent, err))
		require.Len(t, held.Targets, 1)
		b.clock.advance(time.Second)
		require.Len(t, b.statuses(t, held.ID), 1, "nothing is made up of the other")
	})
}

// Whatever a command ends in is told as it is.
func TestStandInEndsCommands(t *testing.T) {
	t.Parallel()
	for _, outcome := range []sepm.Outcome{
		{State: 3, SubState: 102, Text: "suspended"}, {State: 4, SubState: 131, Text: "failed"}, {State: 4, SubState: 3},
		{State: 5, SubState: -1}, {State: 6, SubState: 6, Text: "Unexpected <error> & more"}, {State: 6, SubState: 4711},
	} {
		inEach(t, nil, func(t *testing.T, o sepm.Options) {
			o.Computers, o.Outcome = sepm.Fleet(1, 2), outcome
			for i := range o.Computers {
				o.Computers[i].Offline = false
			}
			b := standIn(t, o)
			sent, err := b.client.FullScan(t.Context(), sepclient.Targets{Computers: []string{o.Computers[0].ID, o.Computers[1].ID}})
			command := one(t, sent, err)
			b.clock.advance(10 * time.Second)
			got := b.statuses(t, command)
			require.Len(t, got, 2)
			for _, s := range got {
				require.True(t, s.State.Final())
				require.Equal(t, outcome, sepm.Outcome{State: int(s.State), SubState: int(s.SubState), Text: s.Detail})
			}
		})
	}
}

// A cancel reaches those clients that do not have the command yet.
func TestStandInCancelsCommands(t *testing.T) {
	t.Parallel()
	inEach(t, map[string]variant{
		"unknown command 404": func(o *sepm.Options) { o.UnknownCommand = sepm.Unknown404 },
		"unknown command 410": func(o *sepm.Options) { o.UnknownCommand = sepm.Unknown410 },
	}, func(t *testing.T, o sepm.Options) {
		o.Computers = sepm.Fleet(1, 2)
		o.Computers[0].Offline, o.Computers[1].Offline = false, true
		b := standIn(t, o)
		online, offline := o.Computers[0].ID, o.Computers[1].ID
		sent, err := b.client.Quarantine(t.Context(), sepclient.Targets{Computers: []string{online, offline}})
		command := one(t, sent, err)
		b.clock.advance(5 * time.Second)
		cancel, err := b.client.CancelCommand(t.Context(), command)
		require.NoError(t, err)
		require.Equal(t, command, b.command(t, cancel).Cancels)
		b.clock.advance(5 * time.Second)
		b.sepm.ChangeComputer(offline, func(c *sepm.Computer) { c.Offline = false })
		b.clock.advance(time.Minute)
		got := b.statuses(t, command)
		require.Equal(t, sepclient.CommandCompleted, got[online].State)
		require.Equal(t, sepclient.CommandCancelled, got[offline].State)
		require.Equal(t, []string{online}, b.sepm.Quarantined())
		got = b.statuses(t, cancel)
		require.Len(t, got, 1)
		require.Equal(t, sepclient.CommandCompleted, got[offline].State)

		_, err = b.client.CancelCommand(t.Context(), id("9"))
		require.ErrorIs(t, err, sepclient.ErrNotFound)
		_, err = collect(b.client.CommandStatus(t.Context(), id("9")))
		require.Equal(t, o.UnknownCommand != sepm.UnknownEmpty, err != nil)
	})
}
