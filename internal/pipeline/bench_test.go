package pipeline_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/enrich"
	"github.com/sepwatch/sepwatch/ingest"
	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/ledger/sqlite"
	"github.com/sepwatch/sepwatch/internal/pipeline"
	"github.com/sepwatch/sepwatch/parse"
	"github.com/sepwatch/sepwatch/rules"
)

// BenchmarkCommit commits batches of mails as a watcher does while it drains
// a mailbox, and so reads and correlates them: what the drain costs without
// the mailbox.
func BenchmarkCommit(b *testing.B) {
	const batch = 256
	l, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "ledger.db"), ledger.Options{Node: "bench"})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, l.Close()) })
	settings := &pipeline.Settings{
		Rules: rules.New(rules.Options{Subjects: rules.DefaultSubjects(), Lookups: true}),
		Read:  parse.NewReader(parse.Options{}).Read,
	}
	p := pipeline.New(pipeline.Options{
		Ledger: l, Settings: func() *pipeline.Settings { return settings }, Actions: enrich.Actions(),
		Clock: systemClock{}, Logger: slog.New(slog.DiscardHandler), Node: "bench",
	})
	state, err := p.Take(b.Context(), "soc")
	require.NoError(b, err)
	state.UIDValidity = 1
	b.ReportAllocs()
	for b.Loop() {
		mails := make([]ingest.Mail, batch)
		for i := range mails {
			state.Mark++
			mails[i] = ingest.Mail{
				UIDValidity: 1, UID: state.Mark, MessageID: fmt.Sprintf("<%d@example.com>", state.Mark),
				Raw: alert(fmt.Sprintf("HOST-%d", state.Mark)),
			}
		}
		require.NoError(b, p.Commit(context.Background(), state, mails))
	}
	b.ReportMetric(b.Elapsed().Seconds()*1e6/float64(b.N*batch), "us/mail")
}
