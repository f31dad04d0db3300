package demo

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sepwatch/sepwatch/internal/simulate/alert"
	"github.com/sepwatch/sepwatch/internal/simulate/soar"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T, opts Options) *Demo {
	t.Helper()
	opts.Dir = t.TempDir()
	opts.Logger = slog.New(slog.DiscardHandler)
	d, err := Start(t.Context(), opts)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	return d
}

func TestRun(t *testing.T) {
	d := start(t, Options{Alerts: 5, Patience: time.Minute})
	s, err := d.Run(t.Context())
	require.NoError(t, err)
	require.Positive(t, s.Seconds)
	s.Seconds = 0
	require.Equal(t, Summary{Mails: 5, Alerts: 5, Incidents: 5, Artifacts: 30, Rows: 5}, s)
	require.Equal(t, "faults at the mailbox: none\nfaults at SEPM: none\nfaults at Resilient: none\n", d.Struck())

	// The count is of what stands at Resilient now.
	first := d.world.soar.Incidents()[0]
	require.NoError(t, d.world.soar.DeleteRow(first.ID, first.Rows[0].ID))
	require.Equal(t, 1, tally(d.world.alerts, d.world.soar.Incidents()).Lost)
}

func TestRunEndsEarly(t *testing.T) {
	const all = 300
	for name, c := range map[string]struct {
		patience time.Duration
		stop     bool
		reason   string
	}{
		"interrupted":    {time.Minute, true, "interrupted"},
		"patience ended": {time.Nanosecond, false, "patience ended after 1ns"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			d := start(t, Options{Alerts: all, Patience: c.patience, Progress: func(Summary) {
				if c.stop {
					cancel()
				}
			}})
			s, err := d.Run(ctx)
			var unfinished *Unfinished
			require.True(t, errors.As(err, &unfinished), "%v", err)
			require.Equal(t, Unfinished{Reason: c.reason, Arrived: all - s.Lost, All: all}, *unfinished)
			require.Positive(t, s.Lost)
			require.Zero(t, s.Duplicates)
		})
	}
	require.EqualError(t, &Unfinished{Reason: "interrupted", Arrived: 3201, All: 20000},
		"interrupted: 3201 of 20000 alerts have arrived completely")
}

func TestTallySees(t *testing.T) {
	alerts := []alert.Alert{
		{Computer: "WKS-1", ID: "A1", Address: "10.0.0.1", User: "a", Risk: "R", Path: `C:\a.exe`},
		{Computer: "WKS-2", ID: "A2", Address: "10.0.0.2", User: "b", Risk: "R", Path: `C:\b.exe`},
	}
	// exact is what must stand there, all of its own.
	exact := func() []soar.Incident {
		var incidents []soar.Incident
		for _, a := range alerts {
			inc := soar.Incident{Open: true, Rows: []soar.Row{{Table: "sep_endpoint_details", Cells: map[string]any{"uniqueId": a.ID}}}}
			for key := range artifacts(a) {
				inc.Artifacts = append(inc.Artifacts, soar.Artifact{Type: key[0], Value: key[1]})
			}
			incidents = append(incidents, inc)
		}
		return incidents
	}
	for name, c := range map[string]struct {
		change           func([]soar.Incident) []soar.Incident
		lost, duplicates int
	}{
		"nothing":       {func(in []soar.Incident) []soar.Incident { return in }, 0, 0},
		"lost incident": {func(in []soar.Incident) []soar.Incident { return in[1:] }, 1, 0},
		"closed incident": {func(in []soar.Incident) []soar.Incident {
			in[0].Open = false
			return in
		}, 1, 0},
		"closed duplicate": {func(in []soar.Incident) []soar.Incident {
			return append(in, soar.Incident{Artifacts: in[0].Artifacts, Rows: in[0].Rows})
		}, 0, 0},
		"lost row": {func(in []soar.Incident) []soar.Incident {
			in[0].Rows = nil
			return in
		}, 1, 0},
		"another computer's row": {func(in []soar.Incident) []soar.Incident {
			in[0].Rows = in[1].Rows
			return in
		}, 1, 1},
		"doubled row": {func(in []soar.Incident) []soar.Incident {
			in[0].Rows = append(in[0].Rows, in[0].Rows[0])
			return in
		}, 0, 1},
		"lost artifact": {func(in []soar.Incident) []soar.Incident {
			in[0].Artifacts = slices.DeleteFunc(in[0].Artifacts, func(a soar.Artifact) bool { return a.Type == "File Name" })
			return in
		}, 1, 0},
		"doubled artifact": {func(in []soar.Incident) []soar.Incident {
			in[0].Artifacts = append(in[0].Artifacts, in[0].Artifacts[0])
			return in
		}, 0, 1},
		"a note": {func(in []soar.Incident) []soar.Incident {
			in[0].Notes = []soar.Note{{Text: "nobody asked for it"}}
			return in
		}, 0, 1},
		"doubled incident": {func(in []soar.Incident) []soar.Incident { return append(in, in[0]) }, 0, 1},
		"stray incident": {func(in []soar.Incident) []soar.Incident {
			return append(in, soar.Incident{Open: true, Artifacts: []soar.Artifact{{Type: "System Name", Value: "WKS-3"}}})
		}, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := tally(alerts, c.change(exact()))
			require.Equal(t, [2]int{c.lost, c.duplicates}, [2]int{s.Lost, s.Duplicates}, "lost and duplicates")
		})
	}
}

func TestCounted(t *testing.T) {
	require.Equal(t, "none", counted(map[string]int{}))
	require.Equal(t, "delay 2, reset 1", counted(map[string]int{"reset": 1, "delay": 2}))
}
