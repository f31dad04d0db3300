package resilient

import (
	"context"
	"sync"
)

// shared is something that is got once and kept. Those who need it while it is
// being got wait for that and share its end, so that a wrong key or password
// is sent once and not by each of them.
type shared[T any] struct {
	mu     sync.Mutex
	known  *T
	flight *flight[T]
}

// flight is a getting that is under way.
type flight[T any] struct {
	done  chan struct{}
	value *T
	err   error
	// left is whether whoever gets it stopped waiting.
	left bool
}

// get gives what is kept, or gets it. Its error is that of obtain, or ctx's
// own where it ended while another one was getting.
func (s *shared[T]) get(ctx context.Context, obtain func(context.Context) (*T, error)) (*T, error) {
	for {
		s.mu.Lock()
		if s.known != nil {
			defer s.mu.Unlock()
			return s.known, nil
		}
		f := s.flight
		if f == nil {
			f = &flight[T]{done: make(chan struct{})}
			s.flight = f
			s.mu.Unlock()
			f.value, f.err = obtain(ctx)
			f.left = ctx.Err() != nil
			s.end(f)
			return f.value, f.err
		}
		s.mu.Unlock()
		select {
		case <-f.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		// One that ended because its caller left says nothing about the
		// server: the next one in line tries.
		if f.err == nil || !f.left {
			return f.value, f.err
		}
	}
}

func (s *shared[T]) end(f *flight[T]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flight = nil
	if f.err == nil {
		s.known = f.value
	}
	close(f.done)
}

// drop forgets what is no good any more, unless another has replaced it.
func (s *shared[T]) drop(old *T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == old {
		s.known = nil
	}
}

// take forgets what is kept, if anything, and gives it.
func (s *shared[T]) take() *T {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.known
	s.known = nil
	return known
}
