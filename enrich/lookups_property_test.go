package enrich_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"iter"
	"log"
	"math/rand/v2"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/sepwatch/sepwatch/enrich"
	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
	"github.com/sepwatch/sepwatch/sepclient"
)

// hurried is a clock whose waits are short.
type hurried struct{ systemClock }

func (hurried) After(d time.Duration) <-chan time.Time { return time.After(d / 100) }

// Whatever the fleet, the release, the cap on pages and the way names come:
// every lookup gets the computers of its name that a query for it alone
// gives, in that order, and all of them take no more requests than twice that.
func TestSharedAnswersAreThoseOfDirectQueries(t *testing.T) {
	t.Parallel()
	whole := 0
	defer func() { require.Greater(t, whole, 10, "walks were among them") }()
	rapid.Check(t, func(t *rapid.T) {
		// The content is drawn evenly, since rapid likes small numbers, which
		// make few names.
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		draw := func(n int, others ...string) []string {
			names := make([]string, n)
			for i := range names {
				switch rng.IntN(8) {
				case 0:
					names[i] = others[rng.IntN(len(others))]
				case 1:
					names[i] = fmt.Sprintf("HOST-%d", rng.IntN(120))
				default:
					names[i] = fmt.Sprintf("host-%d", rng.IntN(120))
				}
			}
			return names
		}
		// In a fleet names repeat, differ in case only, begin with one another
		// and need escapes.
		var fleet []sepm.Computer
		for _, name := range draw(rapid.IntRange(0, 200).Draw(t, "fleet"), "SRV-1", "srv-1", "SRV-10", "Ä 1", "ä 1", "H&H", `B\S`) {
			fleet = append(fleet, sepm.Computer{Name: name, ID: fmt.Sprintf("%032X", rng.Uint64())})
		}
		server := sepm.New(sepm.Options{
			Computers:   fleet,
			Release:     rapid.SampledFrom([]sepm.Release{sepm.V142, sepm.V143}).Draw(t, "release"),
			ExactNames:  rapid.Bool().Draw(t, "exact names"),
			PastEnd400:  rapid.Bool().Draw(t, "past end 400"),
			MaxPageSize: rapid.SampledFrom([]int{0, 1, 3, 7, 20}).Draw(t, "largest page"),
		})
		socket := httptest.NewUnstartedServer(server)
		socket.Config.ErrorLog = log.New(io.Discard, "", 0) // of connections that were not needed
		socket.StartTLS()
		defer socket.Close()
		pool := x509.NewCertPool()
		pool.AddCert(socket.Certificate())
		client, err := sepclient.New(sepclient.Options{URL: socket.URL, Username: "admin", Password: "admin", RootCAs: pool})
		require.NoError(t, err)
		defer func() { require.NoError(t, client.Close(t.Context())) }()
		source := &walked{Client: client}
		lookups := enrich.NewLookups(source, hurried{})
		defer func() {
			lookups.Close()
			whole += source.whole
		}()

		n := rapid.SampledFrom([]int{80, 150, 30, 5, 1}).Draw(t, "lookups")
		names := draw(n, "ghost", "host", "SRV-1", "srv-1", "Ä 1", "ä 1", "h&h", `b\s`)
		answers, errs := make([][]string, len(names)), make([]error, len(names))
		before := server.Requests()
		var all sync.WaitGroup
		for i, name := range names {
			all.Go(func() { answers[i], errs[i] = idsOf(lookups, name) })
			if rng.IntN(20) == 0 {
				time.Sleep(time.Duration(rng.Int64N(int64(4 * time.Millisecond))))
			}
		}
		all.Wait()
		shared := server.Requests() - before

		distinct := make(map[string]bool)
		before = server.Requests()
		for i, name := range names {
			require.NoError(t, errs[i])
			want, err := idsOf(client, name)
			require.NoError(t, err)
			require.Equal(t, want, answers[i], name)
			distinct[strings.ToLower(name)] = true
		}
		direct := server.Requests() - before
		t.Logf("%d lookups of %d names took %d requests, alone %d", len(names), len(distinct), shared, direct)
		require.LessOrEqual(t, shared, 1+2*direct, "a log-in, and what was tried in vain")
	})
}

// walked counts the walks that came to their end.
type walked struct {
	*sepclient.Client
	whole int
}

func (w *walked) ComputerPages(ctx context.Context, q sepclient.ComputerQuery, size int, keep func(string) bool) iter.Seq2[sepclient.ComputerPage, error] {
	return func(yield func(sepclient.ComputerPage, error) bool) {
		for page, err := range w.Client.ComputerPages(ctx, q, size, keep) {
			if err == nil && page.Last {
				w.whole++
			}
			if !yield(page, err) {
				return
			}
		}
	}
}

// idsOf are the computers of just that name.
func idsOf(s enrich.SEPM, name string) (ids []string, err error) {
	for c, err := range s.Computers(context.Background(), sepclient.ComputerQuery{Name: name}) {
		if err != nil {
			return nil, err
		}
		if strings.EqualFold(c.Name, name) {
			ids = append(ids, c.ID)
		}
	}
	return ids, nil
}
