package ingest_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/ingest"
	"github.com/sepwatch/sepwatch/internal/simulate/mailbox"
)

// inTime runs a watcher with the default times against a server in memory,
// in a bubble where hours pass at once.
func inTime(t *testing.T, so mailbox.Options, change func(*ingest.Options), test func(t *testing.T, s standInServer, l *ledger, w *ingest.Watcher)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		so.InMemory = true
		s, err := mailbox.New(so)
		require.NoError(t, err)
		server := standInServer{s}
		o := server.options()
		o.Poll, o.Reconnect, o.LoginRetry, o.HoleRetry, o.Standby = 0, ingest.Backoff{}, ingest.Backoff{}, ingest.Backoff{}, 0
		if change != nil {
			change(&o)
		}
		l := newLedger()
		w, err := ingest.New(o, l)
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- w.Run(ctx) }()
		test(t, server, l, w)
		cancel()
		require.NoError(t, <-done)
		require.NoError(t, s.Close())
	})
}

// counted counts a command without a fault.
func counted(command string) mailbox.Rule {
	return mailbox.Rule{Kind: mailbox.Delay, Command: command}
}

func TestIdleIsReissuedInTime(t *testing.T) {
	idle := func(poll time.Duration) (perHour int) {
		inTime(t, mailbox.Options{}, func(o *ingest.Options) { o.Poll = poll },
			func(_ *testing.T, s standInServer, _ *ledger, _ *ingest.Watcher) {
				s.SetFaults(counted("IDLE"))
				time.Sleep(time.Hour)
				perHour = s.Injected()[mailbox.Delay]
			})
		return perHour
	}
	require.InDelta(t, 15, idle(24*time.Hour), 1, "every 4 minutes")
	require.InDelta(t, 60, idle(0), 1, "a poll ends it too")
}

func TestPollsBesideAndWithoutIdle(t *testing.T) {
	for _, noIdle := range []bool{true, false} {
		inTime(t, mailbox.Options{NoIdle: noIdle}, nil, func(t *testing.T, s standInServer, l *ledger, w *ingest.Watcher) {
			time.Sleep(90 * time.Second)
			s.SetFaults(counted("IDLE"))
			s.append(t, mail(1))
			synctest.Wait()
			require.Equal(t, !noIdle, l.count() == 1, "announced by IDLE only")
			time.Sleep(time.Minute)
			synctest.Wait()
			require.Equal(t, 1, l.count(), "found by the poll")
			require.Equal(t, noIdle, s.Injected()[mailbox.Delay] == 0)

			before := l.committed()
			time.Sleep(10 * time.Minute)
			synctest.Wait()
			require.GreaterOrEqual(t, l.committed()-before, 10, "the lease is renewed each poll")
			require.LessOrEqual(t, time.Since(w.Health().LastRoundTrip), time.Minute)
		})
	}
}

func TestSilentServerIsLeftInTime(t *testing.T) {
	for _, command := range []string{"LOGIN", "SELECT", "SEARCH", "FETCH", "STORE"} {
		t.Run(command, func(t *testing.T) {
			inTime(t, mailbox.Options{}, nil, func(t *testing.T, s standInServer, l *ledger, w *ingest.Watcher) {
				s.append(t, mail(1))
				s.SetFaults(mailbox.Rule{Kind: mailbox.Delay, Command: command, Delay: 24 * time.Hour, Limit: 1})
				s.Disconnect()
				time.Sleep(59 * time.Second)
				synctest.Wait()
				require.Equal(t, 1, s.Injected()[mailbox.Delay])
				time.Sleep(10 * time.Second)
				synctest.Wait()
				require.Equal(t, 1, l.count(), "read over a new connection")
				require.True(t, w.Health().Connected)
			})
		})
	}
}

func TestSilentNetworkIsLeftInTime(t *testing.T) {
	var stuck int
	inTime(t, mailbox.Options{}, func(o *ingest.Options) {
		dial := o.Dial
		o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			if stuck++; stuck == 1 {
				<-ctx.Done() // a firewall that drops the packets
				return nil, ctx.Err()
			}
			return dial(ctx, network, address)
		}
	}, func(t *testing.T, s standInServer, l *ledger, w *ingest.Watcher) {
		time.Sleep(59 * time.Second)
		require.False(t, w.Health().Connected)
		time.Sleep(2*time.Second + time.Millisecond)
		synctest.Wait()
		require.True(t, w.Health().Connected)
	})
}

func TestSlowMailIsNotSilence(t *testing.T) {
	inTime(t, mailbox.Options{}, func(o *ingest.Options) {
		dial := o.Dial
		o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := dial(ctx, network, address)
			return slowConn{c}, err
		}
	}, func(t *testing.T, s standInServer, l *ledger, _ *ingest.Watcher) {
		s.append(t, append(mail(1), make([]byte, 40_000)...)) // over a minute, at 400 bytes a second
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		require.Equal(t, 1, l.count())
	})
}

type slowConn struct{ net.Conn }

func (c slowConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p[:min(len(p), 400)])
	time.Sleep(time.Second)
	return n, err
}

func TestRefusedLoginIsSlow(t *testing.T) {
	inTime(t, mailbox.Options{}, func(o *ingest.Options) { o.Password = "wrong" }, func(t *testing.T, s standInServer, _ *ledger, w *ingest.Watcher) {
		s.SetFaults(counted("LOGIN"))
		time.Sleep(24 * time.Hour)
		attempts := s.Injected()[mailbox.Delay]
		require.GreaterOrEqual(t, attempts, 90, "it never gives up")
		require.LessOrEqual(t, attempts, 210, "no more than one in 7 minutes in the long run")
		require.Contains(t, w.Health().LastError, "check user name and password")
		require.Zero(t, w.Health().LastRoundTrip, "its greetings are no look into the mailbox")
	})
}

func TestReconnectsWithGrowingPauses(t *testing.T) {
	var (
		mu     sync.Mutex
		at     []time.Time
		broken = true
	)
	inTime(t, mailbox.Options{}, func(o *ingest.Options) {
		dial := o.Dial
		o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			mu.Lock()
			defer mu.Unlock()
			at = append(at, time.Now())
			if broken {
				return nil, errors.New("no route")
			}
			return dial(ctx, network, address)
		}
	}, func(t *testing.T, s standInServer, _ *ledger, w *ingest.Watcher) {
		time.Sleep(time.Hour)
		synctest.Wait()
		mu.Lock()
		longest := time.Second
		for i := 1; i < len(at); i++ {
			pause := at[i].Sub(at[i-1])
			require.GreaterOrEqual(t, pause, longest/2, "pause %d", i)
			require.LessOrEqual(t, pause, longest, "pause %d", i)
			longest = min(2*longest, 5*time.Minute)
		}
		require.Greater(t, len(at), 15)

		broken = false
		mu.Unlock()
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		require.True(t, w.Health().Connected)
		require.Empty(t, w.Health().LastError)

		// The connection was stable, so the next loss counts as the first.
		time.Sleep(2 * time.Minute)
		mu.Lock()
		at = nil
		mu.Unlock()
		s.Disconnect()
		time.Sleep(time.Second)
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		require.Len(t, at, 1)
		require.True(t, w.Health().Connected)
	})
}

func TestStandbyWatcherAsksOften(t *testing.T) {
	inTime(t, mailbox.Options{}, nil, func(t *testing.T, s standInServer, l *ledger, w *ingest.Watcher) {
		s.append(t, mail(1))
		synctest.Wait()
		l.fence()
		time.Sleep(time.Hour) // held by another watcher
		require.False(t, w.Health().Connected)
		require.Zero(t, s.Connections(), "a watcher that stands by has no connection")
		l.set(func(l *ledger) { l.takeError = nil })
		time.Sleep(5*time.Second + time.Millisecond)
		synctest.Wait()
		require.True(t, w.Health().Connected)
	})
}

func TestHolesAreAskedForLessAndLess(t *testing.T) {
	inTime(t, mailbox.Options{}, nil, func(t *testing.T, s standInServer, l *ledger, _ *ingest.Watcher) {
		s.SetFaults(mailbox.Rule{Kind: mailbox.Status, Command: "FETCH", UIDs: []uint32{1}})
		s.append(t, mails(1, 2)...)
		synctest.Wait()
		require.Equal(t, 1, l.count(), "the rest does not wait")
		time.Sleep(24 * time.Hour)
		asked := s.Injected()[mailbox.Status]
		require.Greater(t, asked, 24)
		require.Less(t, asked, 48, "once an hour in the long run")
		s.SetFaults()
		time.Sleep(time.Hour)
		synctest.Wait()
		require.Equal(t, 2, l.count())
		require.Empty(t, l.now().Holes)
	})
}
