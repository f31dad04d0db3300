package pipeline_test

import (
	"cmp"
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sepwatch/sepwatch/enrich"
	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/ingest"
	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/internal/ledger/sqlite"
	"github.com/sepwatch/sepwatch/internal/pipeline"
	"github.com/sepwatch/sepwatch/internal/simulate/fault"
	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
	"github.com/sepwatch/sepwatch/internal/simulate/serve"
	"github.com/sepwatch/sepwatch/internal/simulate/soar"
	"github.com/sepwatch/sepwatch/parse"
	"github.com/sepwatch/sepwatch/resilient"
	"github.com/sepwatch/sepwatch/rules"
	"github.com/sepwatch/sepwatch/sepclient"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// timeout is that of one request: a lost answer is looked for after it.
const timeout = 600 * time.Millisecond

type systemClock struct{}

func (systemClock) Now() time.Time                         { return time.Now() }
func (systemClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// bench is a pipeline between stand-ins on real sockets, on a ledger in a
// temporary folder.
type bench struct {
	t        *testing.T
	ledger   *ledger.Ledger
	pipeline *pipeline.Pipeline
	settings *pipeline.Settings

	soar       *soar.Server
	soarFaults *fault.Set
	sepm       *sepm.Server
	sepmFaults *fault.Set

	state ingest.State
	stop  func()
}

type options struct {
	soar   soar.Options
	sepm   sepm.Options
	secret string
	// connection, when set, changes how Resilient is reached.
	connection func(*resilient.Options)
	// patience is the time-out of one request to SEPM; 0 is the usual one.
	patience time.Duration
	actions  []enrich.Action
	// allow is asked before every call; nil allows all.
	allow func(incident.Run, incident.Call) error
	read  func([]byte) parse.Alert
	// observer is nobody by default.
	observer pipeline.Observer
}

func setup(t *testing.T, o options) *bench {
	t.Helper()
	b := &bench{t: t, soarFaults: fault.New(1), sepmFaults: fault.New(2)}
	b.soar, b.sepm = soar.New(o.soar), sepm.New(o.sepm)
	cert, ca, err := serve.SelfSigned()
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	urls := make([]string, 2)
	for i, handler := range []struct {
		faults *fault.Set
		server http.Handler
	}{{b.soarFaults, b.soar}, {b.sepmFaults, b.sepm}} {
		h, err := serve.Start("127.0.0.1:0", &cert, handler.faults.Wrap(handler.server))
		require.NoError(t, err)
		urls[i] = h.URL()
		t.Cleanup(func() {
			handler.faults.Close()
			require.NoError(t, h.Close())
		})
	}
	if o.secret == "" {
		o.secret = "demo"
	}
	if o.actions == nil {
		o.actions = enrich.Actions()
	}
	if o.allow == nil {
		o.allow = func(incident.Run, incident.Call) error { return nil }
	}
	if o.read == nil {
		o.read = parse.NewReader(parse.Options{}).Read
	}
	connection := resilient.Options{URL: urls[0], Org: "Demo", KeyID: "demo", KeySecret: o.secret, RootCAs: pool, Timeout: timeout}
	if o.connection != nil {
		o.connection(&connection)
	}
	platform, err := resilient.New(connection)
	require.NoError(t, err)
	manager, err := sepclient.New(sepclient.Options{
		URL: urls[1], Username: "admin", Password: "admin", Domain: "Default", RootCAs: pool,
		Timeout: cmp.Or(o.patience, timeout),
	})
	require.NoError(t, err)
	lookups := enrich.NewLookups(manager, systemClock{})
	t.Cleanup(lookups.Close)
	b.settings = &pipeline.Settings{
		Rules: rules.New(rules.Options{Subjects: rules.DefaultSubjects(), Lookups: true}),
		Read:  o.read, Resilient: platform,
		SEPM: &enrich.Servers{Entries: []*enrich.Entry{{
			Name: "main", Routine: lookups.Share(manager), Following: manager.In(sepclient.Following), Urgent: manager.In(sepclient.Urgent),
			Limits: enrich.Limits{Results: 200, ScanTimeout: time.Minute, Timeout: cmp.Or(o.patience, timeout)},
		}}},
		Allow: o.allow,
	}
	b.ledger, err = sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"), ledger.Options{Node: "test"})
	require.NoError(t, err)
	l := b.ledger
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	b.pipeline = pipeline.New(pipeline.Options{
		Ledger: b.ledger, Settings: func() *pipeline.Settings { return b.settings }, Actions: o.actions,
		Clock: systemClock{}, Logger: slog.New(slog.NewTextHandler(t.Output(), nil)), Node: "test", Grace: time.Second,
		Observer: o.observer,
	})
	b.state, err = b.pipeline.Take(t.Context(), "soc")
	require.NoError(t, err)
	b.state.UIDValidity = 1
	return b
}

// start runs the pipeline until stop or the end of the test.
func (b *bench) start() {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { b.pipeline.Run(ctx) })
	b.stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
	})
	b.t.Cleanup(b.stop)
}

// receive commits mails as the watcher does.
func (b *bench) receive(raws ...[]byte) {
	b.t.Helper()
	mails := make([]ingest.Mail, len(raws))
	for i, raw := range raws {
		b.state.Mark++
		mails[i] = ingest.Mail{
			UIDValidity: b.state.UIDValidity, UID: b.state.Mark, InternalDate: time.Now(),
			MessageID: fmt.Sprintf("%d@example.com", b.state.Mark), Raw: raw, Size: int64(len(raw)),
		}
	}
	require.NoError(b.t, b.pipeline.Commit(b.t.Context(), b.state, mails))
}

// counts are the ledger's totals.
func (b *bench) counts() (c ledger.Counts) {
	b.t.Helper()
	require.NoError(b.t, b.ledger.View(b.t.Context(), func(tx ledger.Tx) (err error) {
		c, err = tx.Counts()
		return err
	}))
	return c
}

// settle waits until nothing is left to do.
func (b *bench) settle() {
	b.t.Helper()
	require.Eventually(b.t, func() bool { return b.counts().TasksPending == 0 && b.counts().MailsUnread == 0 }, time.Minute, 20*time.Millisecond,
		"something is left to do")
}

// open are the open incidents in Resilient.
func (b *bench) open() (open []soar.Incident) {
	for _, inc := range b.soar.Incidents() {
		if inc.Open {
			open = append(open, inc)
		}
	}
	return open
}

// alert writes an alert about a computer.
func alert(computer string) []byte {
	return fmt.Appendf(nil, `From: sepm@example.com
Subject: Single Risk Event: machine %[1]s infected with Trojan.Gen.NPE, action Left alone

At least one security risk found:
Risk name: Trojan.Gen.NPE
File path: C:\temp\%[1]s.exe
Event time: Feb 28, 2019 3:40:12 AM
User: Administrator
Computer: %[1]s
IP Address: 192.168.194.94
Action taken on risk: Left alone
`, computer)
}

// alertArtifacts is how many artifacts such an alert gives.
const alertArtifacts = 6

// fleet names computers that SEPM knows.
func fleet(names ...string) sepm.Options {
	var o sepm.Options
	for i, name := range names {
		o.Computers = append(o.Computers, sepm.Computer{Name: name, ID: fmt.Sprintf("%032X", i+1), HardwareKey: fmt.Sprintf("%032X", i+100)})
	}
	return o
}

// run is a run of the ledger.
func (b *bench) run(id int64) (r ledger.Run) {
	b.t.Helper()
	require.NoError(b.t, b.ledger.View(b.t.Context(), func(tx ledger.Tx) error {
		runs, err := tx.Runs([]int64{id})
		require.Len(b.t, runs, 1)
		r = runs[0]
		return err
	}))
	return r
}
