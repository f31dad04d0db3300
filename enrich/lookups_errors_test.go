package enrich_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/enrich"
	"github.com/sepwatch/sepwatch/sepclient"
)

func failure(class sepclient.Class) error { return &sepclient.Error{Class: class, Message: "no"} }

func classOf(err error) sepclient.Class {
	var e *sepclient.Error
	if !errors.As(err, &e) {
		return ""
	}
	return e.Class
}

// What SEPM has to say to everyone ends a walk and all that wait for it, with
// its class. What may be about the walk alone does not: each name is asked
// for, and walks rest.
func TestErrorInAWalk(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		class sepclient.Class
		page  int // on which it comes, always
		fails bool
		pages int // how many requests the walk takes
	}{
		{sepclient.Unauthorized, 1, true, 1},
		{sepclient.Unauthorized, 3, true, 3},
		{sepclient.Unreachable, 3, true, 3},
		{sepclient.Untrusted, 3, true, 3},
		{sepclient.Throttled, 1, true, 1},
		{sepclient.Throttled, 3, true, 3 + 4}, // it is waited for
		{sepclient.Temporary, 1, false, 1},
		{sepclient.Temporary, 3, false, 3 + 1},
		{sepclient.Permanent, 1, false, 1},
		{sepclient.Permanent, 3, false, 3},
		{sepclient.NotFound, 3, false, 3},
	} {
		m := newManager(200)
		m.fail = func(name string, page int) error {
			if name == "" && page == tt.page {
				return failure(tt.class)
			}
			return nil
		}
		inBubble(t, m, func(t *testing.T, l *enrich.Lookups) {
			answers := together(t.Context(), l, hosts(1, 60)...)
			asked := m.requests()
			walked := len(slices.DeleteFunc(slices.Clone(asked), func(s string) bool { return !strings.HasPrefix(s, "page") }))
			require.Equal(t, tt.pages, walked, tt)
			if !tt.fails {
				requireHosts(t, answers)
				require.Len(t, asked, 60+tt.pages)
				time.Sleep(2 * time.Minute)
				requireHosts(t, together(t.Context(), l, hosts(1, 60)...))
				require.Len(t, m.requests(), 60, "walks rest")
				return
			}
			failed := slices.DeleteFunc(answers, func(a answer) bool { return a.err == nil })
			require.Len(t, failed, 59, "all but the one that was asked for first")
			for _, a := range failed {
				require.Equal(t, tt.class, classOf(a.err), tt)
			}
			require.Len(t, asked, 1+tt.pages)

			m.fail = nil
			requireHosts(t, together(t.Context(), l, hosts(1, 60)...))
		})
	}
}

// A throttle that lets fifty requests a minute through delays a walk of more
// pages, and does not keep it from its end.
func TestThrottledWalkGoesOn(t *testing.T) {
	t.Parallel()
	m := newManager(2000) // 200 pages
	synctest.Test(t, func(t *testing.T) {
		var window time.Time
		calls := 0
		m.fail = func(string, int) error {
			if time.Since(window) >= time.Minute {
				window, calls = time.Now(), 0
			}
			if calls++; calls > 50 {
				return failure(sepclient.Throttled)
			}
			return nil
		}
		l := enrich.NewLookups(m, systemClock{})
		defer l.Close()
		began := time.Now()
		requireHosts(t, together(t.Context(), l, hosts(1, 400)...))
		require.LessOrEqual(t, time.Since(began), 6*time.Minute)
		require.LessOrEqual(t, len(m.requests()), 1+200+5*3)
	})
}

// When single names are refused by a SEPM that answers nobody, the rest of
// them is not asked for.
func TestErrorOfSingleNames(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		class sepclient.Class
		asked int // at most: the first, and those of the round
	}{
		{sepclient.Throttled, 1 + 4},
		{sepclient.Unauthorized, 1 + 4},
		{sepclient.Temporary, 1 + 13}, // ten in a row, and what was under way
		{sepclient.Permanent, 40},
	} {
		m := newManager(500)
		m.page = 1
		m.fail = func(name string, page int) error {
			if page == 1 && name == "" {
				return nil
			}
			return failure(tt.class)
		}
		inBubble(t, m, func(t *testing.T, l *enrich.Lookups) {
			for _, a := range together(t.Context(), l, hosts(1, 40)...) {
				require.Equal(t, tt.class, classOf(a.err), tt)
			}
			asked := slices.DeleteFunc(m.requests(), func(s string) bool { return strings.HasPrefix(s, "page") })
			require.LessOrEqual(t, len(asked), tt.asked, tt)
			m.fail = nil
			requireHosts(t, together(t.Context(), l, hosts(1, 10)...))
		})
	}
}

// While a walk is under way a computer goes, and all behind it move up: one of
// them is on no page. It is not said to be unknown.
func TestFleetThatMovesUnderAWalk(t *testing.T) {
	t.Parallel()
	m := newManager(200)
	m.fail = func(name string, page int) error {
		if name == "" && page == 5 {
			m.mu.Lock()
			m.computers = slices.Concat(m.computers[:3], m.computers[4:]) // HOST-0041 moves to page 4
			m.mu.Unlock()
		}
		return nil
	}
	inBubble(t, m, func(t *testing.T, l *enrich.Lookups) {
		requireHosts(t, together(t.Context(), l, hosts(20, 100)...))
		require.Contains(t, m.requests(), "HOST-0041")
	})
}

// The counter is a hint: whatever it says, the answers are right and their
// number of requests is bounded.
func TestCounterThatLies(t *testing.T) {
	t.Parallel()
	for name, total := range map[string]func(page int) int{
		"says nothing":    func(int) int { return 0 },
		"too small":       func(int) int { return 25 },
		"always one more": func(page int) int { return 10*page + 1 },
		"too large":       func(int) int { return 1 << 62 },
		"somewhat large":  func(int) int { return 300 },
	} {
		m := newManager(5000)
		m.total = total
		inBubble(t, m, func(t *testing.T, l *enrich.Lookups) {
			requireHosts(t, together(t.Context(), l, hosts(1, 60)...))
			require.LessOrEqual(t, len(m.requests()), 2*60, name)
		})
	}
}

// A SEPM that gives every name thousands of computers fills no memory: those
// that are too many for a walk are asked for one by one.
func TestWalkKeepsABoundedNumber(t *testing.T) {
	t.Parallel()
	m := newManager(60 * 220)
	m.page = 500
	for i := range m.computers {
		m.computers[i].Name = hostName(i % 60)
	}
	inBubble(t, m, func(t *testing.T, l *enrich.Lookups) {
		for _, a := range together(t.Context(), l, hosts(0, 59)...) {
			require.NoError(t, a.err)
			require.Len(t, a.ids, 201, "one more than an action takes")
		}
		asked := m.requests()
		require.Contains(t, asked, "page 27")
		require.Greater(t, len(asked), 1+27, "some are left by the walk")
		require.LessOrEqual(t, len(asked), 1+27+30)
	})
}
