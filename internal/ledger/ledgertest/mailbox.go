package ledgertest

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/ledger"
)

func take(owner string) func(ledger.Tx) (ledger.Mailbox, error) {
	return func(tx ledger.Tx) (ledger.Mailbox, error) { return tx.TakeMailbox("soc", owner, time.Minute) }
}

func takeError(t *testing.T, b *bundle, owner string) error {
	return b.Update(t.Context(), func(tx ledger.Tx) error {
		_, err := take(owner)(tx)
		return err
	})
}

func saveError(t *testing.T, b *bundle, m ledger.Mailbox) error {
	return b.Update(t.Context(), func(tx ledger.Tx) error { return tx.SaveMailbox(m, time.Minute) })
}

func testTakeMailbox(t *testing.T, b *bundle) {
	m := update(t, b.Ledger, take("a"))
	require.Equal(t, ledger.Mailbox{Name: "soc", Epoch: 1}, m, "a mailbox not seen before")

	m.UIDValidity, m.Mark, m.Holes = math.MaxUint32, math.MaxUint32, []uint32{3, math.MaxUint32 - 1}
	require.NoError(t, saveError(t, b, m))
	again := update(t, b.Ledger, take("a"))
	m.Epoch = 2
	require.Equal(t, m, again, "the same owner takes again at once and finds what was saved")

	again.Holes = []uint32{}
	require.NoError(t, saveError(t, b, again))
	require.Empty(t, update(t, b.Ledger, take("a")).Holes)

	for _, invalid := range []func(ledger.Tx) (ledger.Mailbox, error){
		func(tx ledger.Tx) (ledger.Mailbox, error) { return tx.TakeMailbox("soc", "", time.Minute) },
		func(tx ledger.Tx) (ledger.Mailbox, error) { return tx.TakeMailbox("soc", "a", 0) },
	} {
		require.Error(t, b.Update(t.Context(), func(tx ledger.Tx) error {
			_, err := invalid(tx)
			return err
		}))
	}
}

func testMailboxFence(t *testing.T, b *bundle) {
	first := update(t, b.Ledger, take("a"))
	require.ErrorIs(t, takeError(t, b, "b"), ledger.ErrLeaseLost, "the lease of another runs")

	b.clock.advance(50 * time.Second)
	first.Mark = 10
	require.NoError(t, saveError(t, b, first))
	b.clock.advance(50 * time.Second)
	require.ErrorIs(t, takeError(t, b, "b"), ledger.ErrLeaseLost, "saving renewed the lease")

	b.clock.advance(10 * time.Second)
	second := update(t, b.Ledger, take("b"))
	require.Equal(t, uint32(10), second.Mark)
	require.Greater(t, second.Epoch, first.Epoch)

	first.Mark = 99
	err := b.Update(t.Context(), func(tx ledger.Tx) error {
		if _, err := tx.AddMails(mails("late")); err != nil {
			return err
		}
		return tx.SaveMailbox(first, time.Minute)
	})
	require.ErrorIs(t, err, ledger.ErrLeaseLost)
	require.Zero(t, view(t, b.Ledger, ledger.Tx.Counts).Mails, "mails and cursor are one commit")
	require.Equal(t, uint32(10), update(t, b.Ledger, take("b")).Mark)
	require.ErrorIs(t, saveError(t, b, second), ledger.ErrLeaseLost, "b's own first take is over too")
	require.ErrorIs(t, saveError(t, b, ledger.Mailbox{Name: "never taken"}), ledger.ErrLeaseLost)
}

func testReleaseMailbox(t *testing.T, b *bundle) {
	release := func(m ledger.Mailbox) {
		do(t, b.Ledger, func(tx ledger.Tx) error { return tx.ReleaseMailbox(m) })
	}
	old := update(t, b.Ledger, take("a"))
	m := update(t, b.Ledger, take("a"))
	release(old)
	require.ErrorIs(t, takeError(t, b, "b"), ledger.ErrLeaseLost, "an old epoch releases nothing")
	release(m)
	require.ErrorIs(t, saveError(t, b, m), ledger.ErrLeaseLost, "who has released holds nothing")
	require.NoError(t, takeError(t, b, "b"))
}
