package pipeline_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/enrich"
	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/pipeline"
	"github.com/sepwatch/sepwatch/internal/remote"
	"github.com/sepwatch/sepwatch/sepclient"
)

// manager is a SEPM that answers quarantines and scans as it is told to.
type manager struct {
	enrich.Manager
	mu sync.Mutex
	// sent are the computers of each request, and answer says what comes of one.
	sent   [][]string
	answer func(n int, t sepclient.Targets) (sepclient.Sent, error)
}

func (m *manager) Quarantine(_ context.Context, t sepclient.Targets) (sepclient.Sent, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sent = append(m.sent, t.Computers)
	return m.answer(len(m.sent), t)
}

func (m *manager) Scan(ctx context.Context, t sepclient.Targets, _ sepclient.Scan) (sepclient.Sent, error) {
	return m.Quarantine(ctx, t)
}

func (m *manager) requests() [][]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.sent)
}

// done is the answer to a command that SEPM took.
func done(id string, t sepclient.Targets) (sepclient.Sent, error) {
	return sepclient.Sent{Parts: []sepclient.SentPart{{Targets: t, IDs: []string{id}}}}, nil
}

func failed(class remote.Class, status int) (sepclient.Sent, error) {
	return sepclient.Sent{}, &remote.Error{System: "SEPM", Op: "quarantine", Class: class, Status: status, Message: "as told"}
}

// atManager is a pipeline whose endpoint_details sends one call of the
// operation for two computers, and leaves a note.
func atManager(t *testing.T, op incident.Operation, answer func(n int, t sepclient.Targets) (sepclient.Sent, error)) (*bench, *manager) {
	b := setup(t, options{actions: acting(func(_ context.Context, p enrich.Plan) (incident.Step, error) {
		if len(p.Answers) == 0 {
			return incident.Step{Call: &incident.Call{Operation: op, Target: incident.Target{Computers: []string{"A", "B"}}}}, nil
		}
		return incident.Step{Effects: []incident.Effect{{Note: &incident.Note{Key: "end", Text: "the end"}}}}, nil
	})})
	m := &manager{answer: answer}
	b.settings.SEPM = &enrich.Servers{Entries: []*enrich.Entry{{
		Name: "main", Limits: enrich.Limits{Timeout: 50 * time.Millisecond}, Routine: m, Following: m, Urgent: m,
	}}}
	return b, m
}

func TestCalls(t *testing.T) {
	t.Parallel()
	both, second := []string{"A", "B"}, []string{"B"}
	for name, test := range map[string]struct {
		answer func(n int, t sepclient.Targets) (sepclient.Sent, error)
		sent   [][]string
		// said are the answers that the plan ends with.
		said string
	}{
		"taken": {
			func(_ int, t sepclient.Targets) (sepclient.Sent, error) { return done("1", t) },
			[][]string{both}, `[A B] {"ids":["1"]} 0|`,
		},
		"refused": {
			func(int, sepclient.Targets) (sepclient.Sent, error) { return failed(remote.Permanent, 400) },
			[][]string{both}, `[A B]  400|`,
		},
		"conflict": {
			func(int, sepclient.Targets) (sepclient.Sent, error) { return failed(remote.Conflict, 422) },
			[][]string{both}, `[A B]  422|`,
		},
		"lost, so sent again": {
			func(n int, t sepclient.Targets) (sepclient.Sent, error) {
				if n == 1 {
					return failed(remote.Ambiguous, 0)
				}
				return done("2", t)
			},
			[][]string{both, both}, `[A B] {"ids":["2"]} 0|`,
		},
		"unreachable at first": {
			func(n int, t sepclient.Targets) (sepclient.Sent, error) {
				if n == 1 {
					return failed(remote.Unreachable, 0)
				}
				return done("2", t)
			},
			[][]string{both, both}, `[A B] {"ids":["2"]} 0|`,
		},
		"taken in part, and the rest later": {
			func(n int, t sepclient.Targets) (sepclient.Sent, error) {
				if n > 1 {
					return done("2", t)
				}
				problem := &remote.Error{System: "SEPM", Class: remote.Ambiguous, Message: "reset"}
				return sepclient.Sent{Parts: []sepclient.SentPart{
					{Targets: sepclient.Targets{Computers: []string{"A"}}, IDs: []string{"1"}},
					{Targets: sepclient.Targets{Computers: second}, Err: problem},
				}}, problem
			},
			[][]string{both, second}, `[A] {"ids":["1"]} 0|[B] {"ids":["2"]} 0|`,
		},
		"taken in part, and the rest refused": {
			func(_ int, t sepclient.Targets) (sepclient.Sent, error) {
				problem := &remote.Error{System: "SEPM", Class: remote.Permanent, Status: 400, Message: "no"}
				whole := *problem
				whole.Class = remote.Ambiguous // as the client has it for the whole
				return sepclient.Sent{Parts: []sepclient.SentPart{
					{Targets: sepclient.Targets{Computers: []string{"A"}}, IDs: []string{"1"}},
					{Targets: sepclient.Targets{Computers: second}, Err: problem},
				}}, &whole
			},
			[][]string{both}, `[A] {"ids":["1"]} 0|[B]  400|`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, m := atManager(t, incident.OpQuarantine, func(n int, t sepclient.Targets) (sepclient.Sent, error) { return test.answer(n, t) })
			b.start()
			b.receive(alert("HOST-1"))
			b.settle()
			require.Equal(t, test.sent, m.requests())
			run := b.run(1)
			said := ""
			for _, a := range run.Answers {
				said += fmt.Sprintf("%v %s %d|", a.Call.Target.Computers, a.Body, a.Status)
			}
			require.Equal(t, test.said, said)
			require.Equal(t, ledger.RunDone, run.Status)
			require.Nil(t, run.Pending)
			require.Len(t, b.open()[0].Notes, 1)
		})
	}
}

// What was about to be sent when the process died is sent again where that does
// no harm, after the request can no longer be under way, and otherwise waits for
// a person.
func TestCallsInDoubtAfterACrash(t *testing.T) {
	t.Parallel()
	for op, repeated := range map[incident.Operation]bool{incident.OpQuarantine: true, incident.OpScan: true, incident.OpRemediate: false} {
		t.Run(string(op), func(t *testing.T) {
			t.Parallel()
			b, m := atManager(t, op, func(_ int, t sepclient.Targets) (sepclient.Sent, error) { return done("1", t) })
			b.receive(alert("HOST-1"))
			died := time.Now()
			run := b.run(1)
			run.Pending = &incident.Pending{
				Call:  incident.Call{Operation: op, Target: incident.Target{Computers: []string{"A"}}},
				Tries: 1, Last: died,
			}
			require.NoError(t, b.ledger.Update(t.Context(), func(tx ledger.Tx) error { return tx.SetRuns([]ledger.Run{run}) }))
			b.start()
			b.settle()
			if !repeated {
				require.Empty(t, m.requests())
				require.EqualValues(t, 1, b.counts().TasksParked)
				b.retryParked()
				b.settle()
			}
			require.Equal(t, [][]string{{"A"}}, m.requests())
			require.GreaterOrEqual(t, time.Since(died), 100*time.Millisecond, "two time-outs")
			require.Equal(t, ledger.RunDone, b.run(1).Status)
		})
	}
}

// TestRemediationIsSentAgainByAPersonOnly: one that may have been made is
// repeated once for each time that a person has decided it, also where it was
// taken in part and SEPM has refused the parts after the one in doubt.
func TestRemediationIsSentAgainByAPersonOnly(t *testing.T) {
	t.Parallel()
	b, m := atManager(t, incident.OpRemediate, func(n int, t sepclient.Targets) (sepclient.Sent, error) {
		switch n {
		case 1:
			lost := &remote.Error{System: "SEPM", Class: remote.Ambiguous, Message: "reset"}
			return sepclient.Sent{Parts: []sepclient.SentPart{
				{Targets: sepclient.Targets{Computers: []string{"A"}}, IDs: []string{"1"}},
				{Targets: sepclient.Targets{Computers: []string{"B"}}, Err: lost},
				{Targets: sepclient.Targets{Computers: []string{"C"}}, Err: &remote.Error{System: "SEPM", Class: remote.Temporary, Message: "not sent"}},
			}}, lost
		case 2:
			return failed(remote.Ambiguous, 0)
		}
		return done("2", t)
	})
	b.start()
	b.receive(alert("HOST-1"))
	for n := range 2 {
		b.settle()
		require.EqualValues(t, 1, b.counts().TasksParked)
		require.Len(t, m.requests(), n+1)
		b.retryParked()
	}
	b.settle()
	require.Equal(t, [][]string{{"A", "B"}, {"B", "C"}, {"B", "C"}}, m.requests())
	require.Equal(t, ledger.RunDone, b.run(1).Status)
}

// retryParked retries what was parked, as a person does.
func (b *bench) retryParked() {
	b.t.Helper()
	require.NoError(b.t, b.ledger.Update(b.t.Context(), func(tx ledger.Tx) error {
		tasks, err := tx.ListTasks(ledger.TaskFilter{Parked: true}, ledger.Page{Limit: 9})
		for _, task := range tasks {
			if err := tx.RetryTask(task.ID); err != nil {
				return err
			}
		}
		return err
	}))
}

// A run whose call SEPM has taken waits for its SEPM where that has left the
// configuration: the command is to be followed.
func TestRunWhoseSEPMIsGoneWaits(t *testing.T) {
	t.Parallel()
	b, m := atManager(t, incident.OpQuarantine, func(_ int, t sepclient.Targets) (sepclient.Sent, error) { return done("1", t) })
	b.settings.SEPM.Choose = func(string, string) string { return "gone" }
	b.receive(alert("HOST-1"), alert("HOST-2"))
	run := b.run(1)
	run.Answers = []incident.Answer{{Body: []byte(`{"ids":["1"]}`)}}
	require.NoError(t, b.ledger.Update(t.Context(), func(tx ledger.Tx) error { return tx.SetRuns([]ledger.Run{run}) }))
	b.start()
	b.settle()
	b.stop()
	require.EqualValues(t, 1, b.counts().TasksParked)
	require.Equal(t, ledger.RunWaiting, b.run(1).Status)
	require.Equal(t, ledger.RunFailed, b.run(2).Status, "it had done nothing")

	b.settings.SEPM.Entries[0].Name = "gone"
	b.retryParked()
	b.start()
	b.settle()
	require.Equal(t, ledger.RunDone, b.run(1).Status)
	require.Empty(t, m.requests())
}

// A SEPM that cannot be reached holds up nothing at another one.
func TestServersFailApart(t *testing.T) {
	t.Parallel()
	b, up := atManager(t, incident.OpQuarantine, func(_ int, t sepclient.Targets) (sepclient.Sent, error) { return done("1", t) })
	down := &manager{answer: func(int, sepclient.Targets) (sepclient.Sent, error) { return failed(remote.Unreachable, 0) }}
	entry := *b.settings.SEPM.Entries[0]
	entry.Name, entry.Routine, entry.Following, entry.Urgent = "down", down, down, down
	b.settings.SEPM.Entries = append(b.settings.SEPM.Entries, &entry)
	b.settings.SEPM.Choose = func(_, server string) string {
		if server == "SEPM-2" {
			return "down"
		}
		return "main"
	}
	b.receive(from("SEPM-2", alert("HOST-1")), from("SEPM-1", alert("HOST-2")))
	require.Equal(t, "down", b.run(1).Server)
	require.Equal(t, "main", b.run(2).Server)
	b.start()
	require.Eventually(t, func() bool { return len(down.requests()) > 1 && b.run(2).Status == ledger.RunDone }, 20*time.Second, 10*time.Millisecond)
	require.Len(t, up.requests(), 1)
	require.Equal(t, ledger.RunWaiting, b.run(1).Status)
	gates := b.pipeline.Gates()
	require.Equal(t, []string{"resilient", "sepm main", "sepm down"}, systems(gates))
	require.NotZero(t, gates[2].Failures)
	require.Zero(t, gates[1].Failures)
}

// from is an alert that names its server.
func from(server string, alert []byte) []byte {
	return append(alert, "Domain: Default\nServer: "+server+"\n"...)
}

func systems(gates []pipeline.Gate) (names []string) {
	for _, g := range gates {
		names = append(names, g.System)
	}
	return names
}
