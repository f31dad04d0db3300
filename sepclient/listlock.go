package sepclient

import (
	"context"
	"strings"
	"sync"
)

// listLocks let one at a time edit a fingerprint list, by the list's id.
type listLocks struct {
	mu    sync.Mutex
	locks map[string]*listLock
}

type listLock struct {
	users int
	held  chan struct{} // holds one value while it is held
}

// lock waits until nobody else edits the list.
func (l *listLocks) lock(ctx context.Context, id string) (unlock func(), err error) {
	id = strings.ToUpper(id)
	l.mu.Lock()
	if l.locks == nil {
		l.locks = make(map[string]*listLock)
	}
	lock := l.locks[id]
	if lock == nil {
		lock = &listLock{held: make(chan struct{}, 1)}
		l.locks[id] = lock
	}
	lock.users++
	l.mu.Unlock()

	leave := func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if lock.users--; lock.users == 0 {
			delete(l.locks, id)
		}
	}
	select {
	case lock.held <- struct{}{}:
		return func() { <-lock.held; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}
