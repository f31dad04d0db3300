package ingest_test

import (
	"context"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/sepwatch/sepwatch/ingest"
)

type nullSink struct {
	n    int
	done chan struct{}
	want int
	at   chan time.Time
}

func (s *nullSink) Take(context.Context, string) (ingest.State, error) { return ingest.State{}, nil }
func (s *nullSink) Commit(_ context.Context, _ ingest.State, m []ingest.Mail) error {
	if s.at != nil && len(m) > 0 {
		s.at <- time.Now()
		return nil
	}
	s.n += len(m)
	if s.want > 0 && s.n == s.want {
		close(s.done)
		s.want = -1
	}
	return nil
}
func (s *nullSink) Release(context.Context, ingest.State) error { return nil }

func TestMeasure(t *testing.T) {
	d := dovecot(t).(dovecotServer)
	const n = 20000
	d.append(t, mails(1, n)...)
	bare := func() time.Duration {
		start := time.Now()
		d.inspect(t, "INBOX", func(c *imapclient.Client) error {
			section := &imap.FetchItemBodySection{Peek: true}
			cmd := c.Fetch(imap.UIDSet{{Start: 1}}, &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{section}})
			for m := cmd.Next(); m != nil; m = cmd.Next() {
				for it := m.Next(); it != nil; it = m.Next() {
					if b, ok := it.(imapclient.FetchItemDataBodySection); ok {
						io.Copy(io.Discard, b.Literal)
					}
				}
			}
			return cmd.Close()
		})
		return time.Since(start)
	}
	t.Log("first bare", bare())
	for _, flag := range []ingest.Flag{ingest.FlagNone, ingest.FlagAuto} {
		b := bare()
		o := d.options()
		o.Flag = flag
		s := &nullSink{want: n, done: make(chan struct{})}
		w, _ := ingest.New(o, s)
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		start := time.Now()
		go func() { ended <- w.Run(ctx) }()
		<-s.done
		took := time.Since(start)
		cancel()
		<-ended
		t.Logf("flag %s: bare %v watcher %v ratio %.2f", flag, b, took, float64(took)/float64(b))
	}
	// push
	push := func(name string, s *nullSink) {
		var all []time.Duration
		for i := range 60 {
			time.Sleep(20 * time.Millisecond)
			start := time.Now()
			d.append(t, mail(i))
			all = append(all, (<-s.at).Sub(start))
		}
		slices.Sort(all)
		t.Log(name, "p50", all[30], "p99", all[58])
	}
	o := d.options()
	o.Start = ingest.Now
	s := &nullSink{at: make(chan time.Time, 10)}
	w, _ := ingest.New(o, s)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	for !w.Health().Connected {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(time.Second)
	push("dovecot push", s)
	cancel()
	<-ended
}
