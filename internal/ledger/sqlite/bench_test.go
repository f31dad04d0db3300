package sqlite_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/ledger/sqlite"
)

// batch is how many mails or incidents go in one commit, as in the pipeline.
const batch = 64

func openBench(b *testing.B) *ledger.Ledger {
	l, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "ledger.db"), ledger.Options{})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, l.Close()) })
	return l
}

// report gives the rate of single records and the length of a commit.
func report(b *testing.B, what string, commits int) {
	b.ReportMetric(float64(batch*b.N)/b.Elapsed().Seconds(), what+"/s")
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(commits*b.N), "ms/commit")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkAddMails commits batches of mails of SEPM's size.
func BenchmarkAddMails(b *testing.B) {
	l := openBench(b)
	uid := uint32(0)
	for b.Loop() {
		mails := make([]ledger.NewMail, batch)
		for i := range mails {
			uid++
			mails[i] = ledger.NewMail{
				Position:  ledger.Position{Mailbox: "soc", UIDValidity: 1, UID: uid},
				MessageID: fmt.Sprintf("<%d@sepm>", uid),
				Raw:       fmt.Appendf(make([]byte, 4096), "%d", uid),
			}
		}
		require.NoError(b, l.Update(b.Context(), func(tx ledger.Tx) error {
			_, err := tx.AddMails(mails)
			return err
		}))
	}
	report(b, "mails", 1)
}

// BenchmarkClaimFinish wants, claims and finishes batches of tasks in three
// commits each.
func BenchmarkClaimFinish(b *testing.B) {
	l := openBench(b)
	keys := make([]int64, batch)
	next := int64(0)
	for b.Loop() {
		for i := range keys {
			next++
			keys[i] = next
		}
		require.NoError(b, l.Update(b.Context(), func(tx ledger.Tx) error { return tx.Want(ledger.TaskDeliver, keys...) }))
		var tasks []ledger.Task
		require.NoError(b, l.Update(b.Context(), func(tx ledger.Tx) (err error) {
			tasks, err = tx.Claim(ledger.TaskDeliver, batch, "bench", time.Minute)
			return err
		}))
		require.Len(b, tasks, batch)
		outcomes := make([]ledger.Outcome, len(tasks))
		for i, task := range tasks {
			outcomes[i] = ledger.Outcome{Task: task, Done: true}
		}
		require.NoError(b, l.Update(b.Context(), func(tx ledger.Tx) error {
			_, err := tx.Finish(outcomes)
			return err
		}))
	}
	report(b, "tasks", 3)
}

// BenchmarkIncidents opens batches of incidents with six pieces each.
func BenchmarkIncidents(b *testing.B) {
	l := openBench(b)
	n := 0
	for b.Loop() {
		incidents := make([]ledger.Incident, batch)
		for i := range incidents {
			n++
			incidents[i].Incident = incident.Incident{Key: fmt.Sprint("key ", n), Name: "Trojan.Gen on TEST-ENDPOINT"}
		}
		require.NoError(b, l.Update(b.Context(), func(tx ledger.Tx) error {
			added, err := tx.AddIncidents(incidents)
			if err != nil {
				return err
			}
			var pieces []ledger.Piece
			for _, in := range added {
				for i := range 6 {
					pieces = append(pieces, ledger.Piece{Incident: in.ID, Kind: ledger.PieceArtifact, Key: fmt.Sprint(i),
						Body: []byte(`{"type":"File Path","value":"C:\\suspicious_exe.exe"}`)})
				}
			}
			return tx.PutPieces(pieces)
		}))
	}
	report(b, "incidents", 1)
}

// BenchmarkBacklog counts what is left to do beside 100,000 tasks that are
// due and as many that are done.
func BenchmarkBacklog(b *testing.B) {
	l := openBench(b)
	next := int64(0)
	for range 200 {
		keys := make([]int64, 1000)
		for i := range keys {
			next++
			keys[i] = next
		}
		require.NoError(b, l.Update(b.Context(), func(tx ledger.Tx) error {
			if err := tx.Want(ledger.TaskDeliver, keys...); err != nil || next > 100_000 {
				return err
			}
			tasks, err := tx.Claim(ledger.TaskDeliver, len(keys), "bench", time.Minute)
			if err != nil {
				return err
			}
			outcomes := make([]ledger.Outcome, len(tasks))
			for i, task := range tasks {
				outcomes[i] = ledger.Outcome{Task: task, Done: true}
			}
			_, err = tx.Finish(outcomes)
			return err
		}))
	}
	for b.Loop() {
		require.NoError(b, l.View(b.Context(), func(tx ledger.Tx) error {
			backlog, err := tx.Backlog()
			require.Equal(b, int64(100_000), backlog.Tasks[ledger.TaskDeliver].Due)
			return err
		}))
	}
}
