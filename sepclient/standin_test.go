package sepclient_test

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"iter"
	"log"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/simulate/fault"
	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
	"github.com/sepwatch/sepwatch/sepclient"
)

// The tests in the files standin_… put the client against the stand-in for
// SEPM, call by call, and compare what it says with what the stand-in itself
// holds. Where the contract is uncertain they go through every answer that the
// stand-in can give.

// clock is a clock that only a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// bench is a stand-in on a socket with TLS, and a client of it. Both go by one
// clock.
type bench struct {
	sepm   *sepm.Server
	client *sepclient.Client
	clock  *clock
	faults *fault.Set
}

func standIn(t *testing.T, o sepm.Options, edit ...func(*sepclient.Options)) *bench {
	t.Helper()
	b := &bench{clock: &clock{now: time.Date(2024, 8, 21, 12, 0, 0, 0, time.UTC)}, faults: fault.New(1)}
	o.Now = b.clock.Now
	b.sepm = sepm.New(o)
	srv := httptest.NewUnstartedServer(b.faults.Wrap(b.sepm))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // of connections that were not needed
	srv.StartTLS()
	t.Cleanup(srv.Close)
	t.Cleanup(b.faults.Close) // before the server, which waits for what is held
	pool := x509.NewCertPool()
	pool.AddCert(srv.Certificate())
	options := sepclient.Options{URL: srv.URL, Username: "admin", Password: "admin", Domain: "Default", RootCAs: pool, Now: b.clock.Now}
	for _, e := range edit {
		e(&options)
	}
	var err error
	b.client, err = sepclient.New(options)
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = b.client.Close(context.WithoutCancel(t.Context())) // the stand-in may be one that refuses it
	})
	return b
}

// options are a stand-in's; a variant sets some of them.
type variant = func(*sepm.Options)

// inEach runs a test for both generations of SEPM in each variant, and as SEPM
// is by default.
func inEach(t *testing.T, variants map[string]variant, test func(t *testing.T, o sepm.Options)) {
	t.Helper()
	all := map[string]variant{"as a rule": func(*sepm.Options) {}}
	maps.Copy(all, variants)
	for _, release := range []sepm.Release{sepm.V142, sepm.V143} {
		for _, name := range slices.Sorted(maps.Keys(all)) {
			t.Run(string(release)+" "+name, func(t *testing.T) {
				t.Parallel()
				o := sepm.Options{Release: release}
				all[name](&o)
				test(t, o)
			})
		}
	}
}

// id is an id in SEPM's form.
func id(digit string) string { return strings.Repeat(digit, 32) }

func classOf(err error) sepclient.Class {
	var e *sepclient.Error
	if errors.As(err, &e) {
		return e.Class
	}
	return ""
}

func requireClass(t *testing.T, want sepclient.Class, err error) {
	t.Helper()
	require.Equal(t, want, classOf(err), "%v", err)
}

// collect is all of a list, up to its error.
func collect[T any](list iter.Seq2[T, error]) (all []T, err error) {
	for item, err := range list {
		if err != nil {
			return all, err
		}
		all = append(all, item)
	}
	return all, nil
}

// mapped is what f makes of each.
func mapped[T, U any](all []T, f func(T) U) []U {
	out := []U{}
	for _, each := range all {
		out = append(out, f(each))
	}
	return out
}

// names are those of computers, in order.
func names(computers []sepm.Computer) []string {
	return sorted(mapped(computers, func(c sepm.Computer) string { return c.Name }))
}

func sorted(words []string) []string {
	words = slices.Clone(words)
	slices.Sort(words)
	return words
}

// md5Of and sha256Of are the hashes of a content as fingerprint lists have
// them.
func md5Of(content string) string    { return fmt.Sprintf("%X", md5.Sum([]byte(content))) }
func sha256Of(content string) string { return fmt.Sprintf("%X", sha256.Sum256([]byte(content))) }

// digest is a content's hash in lower case, as files have it.
func digest(kind sepclient.HashKind, content string) string {
	switch kind {
	case sepclient.MD5:
		return fmt.Sprintf("%x", md5.Sum([]byte(content)))
	case sepclient.SHA1:
		return fmt.Sprintf("%x", sha1.Sum([]byte(content)))
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(content)))
}
