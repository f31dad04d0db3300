package app

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/ledger"
)

func TestBacklogIsAskedSeldom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		b := &backlog{clock: systemClock{}, ask: func(context.Context) (ledger.Backlog, error) {
			asked++
			n := int64(asked)
			time.Sleep(time.Second) // a ledger that is slow
			return ledger.Backlog{PiecesParked: n}, nil
		}}
		var scrapes sync.WaitGroup
		for range 100 {
			scrapes.Go(func() {
				got, err := b.get()
				require.NoError(t, err)
				require.Equal(t, int64(1), got.PiecesParked)
			})
		}
		scrapes.Wait()
		require.Equal(t, 1, asked)

		time.Sleep(backlogFresh - time.Second - time.Nanosecond)
		_, err := b.get()
		require.NoError(t, err)
		require.Equal(t, 1, asked, "it is fresh")
		time.Sleep(time.Nanosecond)
		got, err := b.get()
		require.NoError(t, err)
		require.Equal(t, int64(2), got.PiecesParked)
	})
}

func TestBacklogOfALedgerThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hangs := make(chan struct{})
		var asked atomic.Int32
		b := &backlog{clock: systemClock{}, ask: func(ctx context.Context) (ledger.Backlog, error) {
			asked.Add(1)
			<-hangs // a disk that does not answer heeds no context
			return ledger.Backlog{}, ctx.Err()
		}}
		began := time.Now()
		_, err := b.get()
		require.ErrorContains(t, err, "no answer within 2s")
		require.Equal(t, backlogTimeout, time.Since(began))

		time.Sleep(time.Hour)
		began = time.Now()
		_, err = b.get()
		require.Error(t, err)
		require.Zero(t, time.Since(began), "who comes later does not wait again")
		require.EqualValues(t, 1, asked.Load(), "and adds no query to the one that hangs")

		close(hangs)
		b.wait()
		_, err = b.get()
		require.NoError(t, err)
	})
}

func TestBacklogErrorIsKeptToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		b := &backlog{clock: systemClock{}, ask: func(context.Context) (ledger.Backlog, error) {
			asked++
			return ledger.Backlog{}, errors.New("no such table")
		}}
		for range 10 {
			_, err := b.get()
			require.EqualError(t, err, "no such table")
		}
		require.Equal(t, 1, asked)
	})
}
