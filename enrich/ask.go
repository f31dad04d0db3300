package enrich

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"

	"github.com/sepwatch/sepwatch/sepclient"
)

const (
	// atOnce is how many names of a round are asked for at the same time.
	atOnce = 4
	// maxFailures is how many requests in a row may come to nothing before the
	// rest of a round is not asked for.
	maxFailures = 10
)

// askEach asks for each name. When SEPM answers nobody, or nothing for a
// while, the rest of them gets that answer without being asked for.
func (l *Lookups) askEach(ctx context.Context, lookups []*lookup) {
	var (
		queue    = make(chan *lookup)
		workers  sync.WaitGroup
		mu       sync.Mutex
		failures int
		end      error
	)
	ended := func() error {
		mu.Lock()
		defer mu.Unlock()
		return end
	}
	count := func(err error) {
		mu.Lock()
		defer mu.Unlock()
		if err == nil || refused(err) {
			failures = 0
			return
		}
		failures++
		if answersNobody(err) || failures >= maxFailures || ctx.Err() != nil {
			end = err
		}
	}
	for range min(atOnce, len(lookups)) {
		workers.Go(func() {
			for p := range queue {
				var computers []sepclient.Computer
				err := ended()
				if err == nil {
					computers, err = l.ask(ctx, p.name)
					count(err)
				}
				l.settle(p, computers, err)
			}
		})
	}
	for _, p := range lookups {
		queue <- p
	}
	close(queue)
	workers.Wait()
}

// ask asks for one name.
func (l *Lookups) ask(ctx context.Context, name string) (computers []sepclient.Computer, err error) {
	defer guard(&err)
	for c, err := range l.source.Computers(ctx, sepclient.ComputerQuery{Name: name}) {
		if err != nil {
			return nil, err
		}
		if !sameComputer(c.Name, name) {
			continue
		}
		if computers = appendNew(computers, c); len(computers) > maxEndpoints {
			break
		}
	}
	return computers, nil
}

// guard turns a panic into an error, for those who wait.
func guard(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
	}
}

// answersNobody tells an error that has nothing to do with what was asked.
func answersNobody(err error) bool {
	return isClass(err, sepclient.Unreachable, sepclient.Untrusted, sepclient.Throttled, sepclient.Unauthorized)
}

// refused tells an error that is the answer for one name.
func refused(err error) bool { return isClass(err, sepclient.Permanent, sepclient.NotFound) }

func isClass(err error, classes ...sepclient.Class) bool {
	var e *sepclient.Error
	return errors.As(err, &e) && slices.Contains(classes, e.Class)
}
