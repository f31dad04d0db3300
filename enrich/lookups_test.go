package enrich_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sepwatch/sepwatch/enrich"
	"github.com/sepwatch/sepwatch/sepclient"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type systemClock struct{}

func (systemClock) Now() time.Time                         { return time.Now() }
func (systemClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// manager is a SEPM whose requests take a while each. A name matches what
// begins with it.
type manager struct {
	page    int // the page size, whatever is asked for
	latency time.Duration
	// fail, when set, may refuse a request: of a name, or of a page of the
	// whole list.
	fail func(name string, page int) error

	mu        sync.Mutex
	computers []sepclient.Computer // replaced, never changed
	asked     []string             // names, and "page N" of the whole list
	// total, when set, is what is said of the size of the list.
	total func(page int) int
}

// newManager makes a manager of n computers HOST-0001 and so on.
func newManager(n int) *manager {
	m := &manager{page: 10, latency: 10 * time.Millisecond}
	for i := range n {
		m.computers = append(m.computers, sepclient.Computer{ID: fmt.Sprintf("%04d", i+1), Name: hostName(i + 1)})
	}
	return m
}

func hostName(i int) string { return fmt.Sprintf("HOST-%04d", i) }

func (m *manager) request(ctx context.Context, name string, page int) error {
	m.mu.Lock()
	if name == "" {
		m.asked = append(m.asked, fmt.Sprintf("page %d", page))
	} else {
		m.asked = append(m.asked, name)
	}
	m.mu.Unlock()
	select {
	case <-time.After(m.latency):
	case <-ctx.Done():
		return &sepclient.Error{Class: sepclient.Temporary, Message: ctx.Err().Error(), Err: ctx.Err()}
	}
	if m.fail != nil {
		return m.fail(name, page)
	}
	return nil
}

func (m *manager) Computers(ctx context.Context, q sepclient.ComputerQuery) iter.Seq2[sepclient.Computer, error] {
	return func(yield func(sepclient.Computer, error) bool) {
		asOf := time.Now()
		if err := m.request(ctx, cmp.Or(q.Name, "id "+q.ID), 1); err != nil {
			yield(sepclient.Computer{}, err)
			return
		}
		for _, c := range m.list() {
			begins := len(c.Name) >= len(q.Name) && strings.EqualFold(c.Name[:len(q.Name)], q.Name)
			if c.AsOf = asOf; begins && !yield(c, nil) {
				return
			}
		}
	}
}

func (m *manager) list() []sepclient.Computer {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.computers
}

func (m *manager) ComputerPages(ctx context.Context, _ sepclient.ComputerQuery, _ int, keep func(string) bool) iter.Seq2[sepclient.ComputerPage, error] {
	return func(yield func(sepclient.ComputerPage, error) bool) {
		for index := 1; ; {
			asOf := time.Now()
			if err := m.request(ctx, "", index); err != nil {
				if !yield(sepclient.ComputerPage{}, err) {
					return
				}
				continue
			}
			all := m.list()
			from, to := min((index-1)*m.page, len(all)), min(index*m.page, len(all))
			page := sepclient.ComputerPage{Size: to - from, Last: to == len(all), Total: len(all)}
			if m.total != nil {
				page.Total = m.total(index)
			}
			for _, c := range all[from:to] {
				if keep(c.Name) {
					c.AsOf = asOf
					page.Computers = append(page.Computers, c)
				}
			}
			if !yield(page, nil) || page.Last {
				return
			}
			index++
		}
	}
}

// requests are what was asked so far; it forgets them.
func (m *manager) requests() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	asked := m.asked
	m.asked = nil
	return asked
}

func pagesOf(n int) (pages []string) {
	for i := range n {
		pages = append(pages, fmt.Sprintf("page %d", i+1))
	}
	return pages
}

// answer is the outcome of one lookup.
type answer struct {
	name  string
	ids   []string
	asOf  time.Time
	err   error
	after time.Duration // from the call to the answer
}

func lookUp(ctx context.Context, s enrich.SEPM, name string) answer {
	a, began := answer{name: name}, time.Now()
	for c, err := range s.Computers(ctx, sepclient.ComputerQuery{Name: name}) {
		if err != nil {
			a.err = err
			break
		}
		a.ids, a.asOf = append(a.ids, c.ID), c.AsOf
	}
	a.after = time.Since(began)
	return a
}

// together looks names up at the same time, the first of them a little ahead.
func together(ctx context.Context, s enrich.SEPM, names ...string) []answer {
	answers := make([]answer, len(names))
	var all sync.WaitGroup
	for i, name := range names {
		all.Go(func() { answers[i] = lookUp(ctx, s, name) })
		if i == 0 {
			time.Sleep(time.Nanosecond)
		}
	}
	all.Wait()
	return answers
}

func hosts(from, to int) (names []string) {
	for i := from; i <= to; i++ {
		names = append(names, hostName(i))
	}
	return names
}

// requireHosts asserts that each answer is the computer of its name.
func requireHosts(t *testing.T, answers []answer) {
	t.Helper()
	for _, a := range answers {
		require.NoError(t, a.err, a.name)
		require.Equal(t, []string{strings.TrimPrefix(a.name, "HOST-")}, a.ids, a.name)
	}
}

// inBubble runs a test of Lookups on a manager in time of its own.
func inBubble(t *testing.T, m *manager, test func(t *testing.T, l *enrich.Lookups)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := enrich.NewLookups(m, systemClock{})
		defer l.Close()
		test(t, l)
	})
}

func TestOneLookupIsAskedAtOnce(t *testing.T) {
	t.Parallel()
	m := newManager(500)
	inBubble(t, m, func(t *testing.T, l *enrich.Lookups) {
		began := time.Now()
		a := lookUp(t.Context(), l, hostName(7))
		requireHosts(t, []answer{a})
		require.Equal(t, m.latency, a.after)
		require.Equal(t, began, a.asOf)

		time.Sleep(30 * time.Second)
		a = lookUp(t.Context(), l, "host-0007")
		require.Equal(t, []string{"0007"}, a.ids, "an answer is the same in any case of its name")
		require.Equal(t, began, a.asOf, "and says when SEPM was asked")
		require.Zero(t, a.after)
		require.Equal(t, []string{"HOST-0007"}, m.requests())

		time.Sleep(30 * time.Second)
		a = lookUp(t.Context(), l, hostName(7))
		require.Equal(t, m.latency, a.after, "after a minute it is asked for again")
		require.Equal(t, []string{"HOST-0007"}, m.requests())
	})
}

func TestOnlyNamesAreShared(t *testing.T) {
	t.Parallel()
	m := newManager(20)
	inBubble(t, m, func(t *testing.T, l *enrich.Lookups) {
		for _, q := range []sepclient.ComputerQuery{{ID: "0001"}, {Name: "HOST-0*"}, {Name: "HOST-0001", Domain: "D"}} {
			for range 2 {
				for _, err := range l.Computers(t.Context(), q) {
					require.NoError(t, err)
				}
			}
		}
		require.Len(t, m.requests(), 6)
	})
}

func TestUnknownNameIsAnAnswer(t *testing.T) {
	t.Parallel()
	m := newManager(20)
	inBubble(t, m, func(t *testing.T, l *enrich.Lookups) {
		for range 2 {
			a := lookUp(t.Context(), l, "HOST-000") // the beginning of nine
			require.NoError(t, a.err)
			require.Empty(t, a.ids)
		}
		require.Equal(t, []string{"HOST-000"}, m.requests())
	})
}

func TestFewNamesWaitForNothing(t *testing.T) {
	t.Parallel()
	m := newManager(500)
	inBubble(t, m, func(t *testing.T, l *enrich.Lookups) {
		began := time.Now()
		answers := together(t.Context(), l, append(hosts(1, 16), hosts(1, 16)...)...)
		requireHosts(t, answers)
		require.LessOrEqual(t, time.Since(began), 6*m.latency, "one, and then the others four at once")
		require.Len(t, m.requests(), 16)
	})
}

func TestStormIsOneWalk(t *testing.T) {
	t.Parallel()
	m := newManager(200) // 20 pages
	inBubble(t, m, func(t *testing.T, l *enrich.Lookups) {
		names := append(hosts(1, 200), "GHOST", "HOST-00")
		// They come one by one, and each computer three times.
		answers := make([]answer, 3*len(names))
		var all sync.WaitGroup
		for i := range answers {
			all.Go(func() { answers[i] = lookUp(t.Context(), l, names[i%len(names)]) })
			time.Sleep(time.Millisecond)
		}
		all.Wait()
		for _, a := range answers {
			require.NoError(t, a.err)
			if strings.HasPrefix(a.name, "HOST-0") && a.name != "HOST-00" {
				require.Equal(t, []string{strings.TrimPrefix(a.name, "HOST-")}, a.ids)
			} else {
				require.Empty(t, a.ids, a.name)
			}
		}
		asked := m.requests()
		require.LessOrEqual(t, len(asked), 16+20)
		require.Equal(t, pagesOf(20), asked[len(asked)-20:])
	})
}

// The size of the fleet is asked for once, and then known for a while.
func TestWalkThatDoesNotPayIsNotWalked(t *testing.T) {
	t.Parallel()
	m := newManager(500) // 50 pages
	inBubble(t, m, func(t *testing.T, l *enrich.Lookups) {
		requireHosts(t, together(t.Context(), l, hosts(1, 40)...))
		asked := m.requests()
		require.Equal(t, 1, slices.Index(asked, "page 1"), "the second round finds out")
		require.Len(t, asked, 41)

		time.Sleep(2 * time.Minute)
		requireHosts(t, together(t.Context(), l, hosts(1, 40)...))
		require.Len(t, m.requests(), 40)

		time.Sleep(2 * time.Minute)
		requireHosts(t, together(t.Context(), l, hosts(1, 80)...))
		require.Equal(t, append([]string{hostName(1)}, pagesOf(50)...), m.requests())
	})
}

// A walk may find a name on any page, and those that come meanwhile wait for
// the next round.
func TestNamesThatComeDuringAWalk(t *testing.T) {
	t.Parallel()
	m := newManager(200)
	for i := range 5 { // stale records of one computer, on all pages
		m.computers[i*37].Name = "Many"
	}
	inBubble(t, m, func(t *testing.T, l *enrich.Lookups) {
		var all sync.WaitGroup
		all.Go(func() { requireHosts(t, together(t.Context(), l, hosts(2, 37)...)) })
		all.Go(func() {
			a := lookUp(t.Context(), l, "mANY")
			require.Equal(t, []string{"0001", "0038", "0075", "0112", "0149"}, a.ids)
		})
		time.Sleep(300 * time.Millisecond)
		require.Contains(t, m.requests(), "page 1")
		late := together(t.Context(), l, hosts(150, 199)...)
		requireHosts(t, late)
		all.Wait()
		asked := m.requests()
		require.Equal(t, pagesOf(20), asked[len(asked)-20:])
	})
}

func TestWhoLeavesTakesNothingFromOthers(t *testing.T) {
	t.Parallel()
	m := newManager(20)
	inBubble(t, m, func(t *testing.T, l *enrich.Lookups) {
		ctx, cancel := context.WithCancelCause(t.Context())
		var left, stayed answer
		var all sync.WaitGroup
		all.Go(func() { left = lookUp(ctx, l, hostName(1)) })
		synctest.Wait()
		all.Go(func() { stayed = lookUp(t.Context(), l, hostName(1)) })
		synctest.Wait()
		why := errors.New("stop")
		cancel(why)
		all.Wait()
		require.ErrorIs(t, left.err, why)
		require.Zero(t, left.after)
		requireHosts(t, []answer{stayed})
		require.Equal(t, []string{hostName(1)}, m.requests())
	})
}

func TestRoundEndsWhenNobodyWaits(t *testing.T) {
	t.Parallel()
	m := newManager(200)
	m.latency = time.Minute
	inBubble(t, m, func(t *testing.T, l *enrich.Lookups) {
		var all sync.WaitGroup
		wait := func(names []string) (leave func()) {
			ctx, cancel := context.WithCancel(t.Context())
			all.Go(func() {
				for _, a := range together(ctx, l, names...) {
					require.ErrorIs(t, a.err, context.Canceled)
				}
			})
			time.Sleep(time.Millisecond) // together pauses after its first name
			synctest.Wait()
			return func() {
				cancel()
				synctest.Wait()
			}
		}
		leaveFirst, leaveOthers := wait(hosts(1, 1)), wait(hosts(2, 100))
		leaveOthers()
		leaveFirst()
		all.Wait()
		require.Len(t, m.requests(), 1, "what waited for the next round is not asked for")

		m.latency = 0
		began := time.Now()
		requireHosts(t, together(t.Context(), l, hosts(1, 10)...))
		require.Less(t, time.Since(began), time.Second, "it has ended")
	})
}

func TestCloseEndsWhatIsAsked(t *testing.T) {
	t.Parallel()
	m := newManager(20)
	m.latency = time.Hour
	inBubble(t, m, func(t *testing.T, l *enrich.Lookups) {
		var all sync.WaitGroup
		all.Go(func() {
			for _, a := range together(t.Context(), l, hosts(1, 20)...) {
				require.ErrorIs(t, a.err, context.Canceled)
			}
		})
		synctest.Wait()
		l.Close()
		all.Wait()
		require.ErrorIs(t, lookUp(t.Context(), l, hostName(1)).err, context.Canceled)
	})
}

// A panic is an error of those who wait, not the end of the daemon.
func TestPanicIsAnError(t *testing.T) {
	t.Parallel()
	m := newManager(100)
	m.fail = func(name string, page int) error { panic("nil map") }
	inBubble(t, m, func(t *testing.T, l *enrich.Lookups) {
		for _, a := range together(t.Context(), l, hosts(1, 50)...) {
			require.ErrorContains(t, a.err, "panic: nil map")
		}
	})
}
