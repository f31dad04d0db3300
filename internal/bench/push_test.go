package bench

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"github.com/sepwatch/sepwatch/internal/realparts"
	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
	"github.com/sepwatch/sepwatch/internal/simulate/soar"
)

// measurePush delivers mails one by one. A bare client and the daemon wait
// for them in IDLE on the same mailbox; measured is the time from the mail's
// delivery until the one has fetched it and until the other's request to open
// the incident arrives.
func measurePush(tb testing.TB, s scale, got figures) {
	mail := realparts.Dovecot(tb)
	fleet := sepm.Fleet(1, s.push+1)
	server := count(soar.New(soar.Options{KeyField: true}))
	created := make(chan time.Time, 1)
	server.arrived = func(r *http.Request) {
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/incidents") {
			created <- time.Now()
		}
	}
	d := newDaemon(tb, mail, settings{soar: server})
	d.run()
	bare := idle(tb, mail)

	var ours, theirs []float64
	for i, c := range fleet {
		start := time.Now()
		mail.Append(time.Time{}, alertMail(i, c))
		fetched, post := receive(tb, bare), receive(tb, created)
		if i == 0 {
			continue // the daemon was still connecting
		}
		theirs = append(theirs, fetched.Sub(start).Seconds()*1e3)
		ours = append(ours, post.Sub(start).Seconds()*1e3)
	}
	d.stop()
	got["reference_idle_p50_ms"], got["reference_idle_p99_ms"] = percentile(theirs, 50), percentile(theirs, 99)
	got["push_p50_over_idle_ms"] = percentile(ours, 50) - percentile(theirs, 50)
	got["push_p99_over_idle_ms"] = percentile(ours, 99) - percentile(theirs, 99)
}

func receive(tb testing.TB, c <-chan time.Time) time.Time {
	tb.Helper()
	select {
	case at := <-c:
		return at
	case <-time.After(patience):
		tb.Fatal("the mail did not arrive")
		return time.Time{}
	}
}

// idle is the reference: go-imap alone waits in IDLE, fetches what is new and
// tells when it has it.
func idle(tb testing.TB, mail *realparts.DovecotServer) <-chan time.Time {
	tb.Helper()
	news := make(chan struct{}, 1)
	client := login(tb, mail, &imapclient.UnilateralDataHandler{Mailbox: func(data *imapclient.UnilateralDataMailbox) {
		if data.NumMessages == nil {
			return
		}
		select {
		case news <- struct{}{}:
		default:
		}
	}})
	fetched := make(chan time.Time, 1)
	stop := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		for next := imap.UID(1); ; {
			waiting, err := client.Idle()
			if err != nil {
				tb.Errorf("idle: %v", err)
				return
			}
			select {
			case <-news:
			case <-stop:
				return
			}
			if err := waiting.Close(); err != nil {
				tb.Errorf("end idle: %v", err)
				return
			}
			n, err := discardMails(client, imap.UIDSet{{Start: next}})
			if err != nil {
				tb.Errorf("fetch: %v", err)
				return
			}
			if n > 0 {
				next += imap.UID(n)
				fetched <- time.Now()
			}
		}
	})
	tb.Cleanup(func() {
		close(stop)
		client.Close()
		running.Wait()
	})
	return fetched
}
