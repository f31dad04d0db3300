package ledgertest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/parse"
)

func look(ids ...int64) func(ledger.Tx) ([]ledger.Mail, error) {
	return func(tx ledger.Tx) ([]ledger.Mail, error) { return tx.Mails(ids) }
}

func raw(id int64) func(ledger.Tx) ([]byte, error) {
	return func(tx ledger.Tx) ([]byte, error) { return tx.Raw(id) }
}

// stream reads a mail's bytes as they are sent on.
func stream(t *testing.T, l *ledger.Ledger, id int64) []byte {
	t.Helper()
	r, err := l.OpenRaw(t.Context(), id)
	require.NoError(t, err)
	all, err := io.ReadAll(r)
	require.NoError(t, err)
	require.EqualValues(t, r.Size, len(all))
	return all
}

func keysOf(tasks []ledger.Task) []int64 {
	var keys []int64
	for _, task := range tasks {
		keys = append(keys, task.Key)
	}
	return keys
}

func testAddMails(t *testing.T, b *bundle) {
	added := addMails(t, b.Ledger, mails("one", "two"))
	require.Len(t, added, 2)
	one, two := added[0], added[1]
	require.True(t, one.New && two.New)
	require.Less(t, one.ID, two.ID)

	found := view(t, b.Ledger, look(two.ID, 999, one.ID, two.ID))
	require.Len(t, found, 2, "each once, unknown ids left out")
	sum := sha256.Sum256([]byte("one"))
	require.Equal(t, ledger.Mail{
		ID:           one.ID,
		Position:     ledger.Position{Mailbox: "soc", UIDValidity: 7, UID: 1},
		MessageID:    "<one@sepm>",
		SHA256:       hex.EncodeToString(sum[:]),
		Size:         3,
		InternalDate: time.Date(2026, 2, 3, 4, 0, 0, 0, time.UTC),
		Received:     b.clock.Now(),
		Status:       ledger.MailReceived,
	}, found[0])
	require.Equal(t, two.ID, found[1].ID)

	require.Empty(t, addMails(t, b.Ledger, nil))
}

func testMailPosition(t *testing.T, b *bundle) {
	first := addMails(t, b.Ledger, mails("one"))[0]
	again := mails("other bytes", "new")
	again = append(again, again[1]) // one position twice in a batch
	got := addMails(t, b.Ledger, again)
	require.Equal(t, ledger.AddedMail{ID: first.ID}, got[0], "a position is never taken twice")
	require.True(t, got[1].New)
	require.Equal(t, ledger.AddedMail{ID: got[1].ID}, got[2])
	require.Equal(t, "one", string(view(t, b.Ledger, raw(first.ID))))

	rebuilt := mails("rebuilt")
	rebuilt[0].UIDValidity = 8
	require.True(t, addMails(t, b.Ledger, rebuilt)[0].New, "the same UID under another UIDVALIDITY is another position")
	require.Equal(t, int64(3), view(t, b.Ledger, ledger.Tx.Counts).Mails)
}

func testMailDuplicate(t *testing.T, b *bundle) {
	first := addMails(t, b.Ledger, mails("one"))[0]
	batch := mails("one", "two", "two", "one", "two")
	for i := range batch {
		batch[i].Mailbox = "copy"
	}
	batch[3].MessageID = "<another@sepm>" // equal bytes alone are no duplicate
	got := addMails(t, b.Ledger, batch)
	require.Equal(t, []bool{false, true, false, true, false}, []bool{got[0].New, got[1].New, got[2].New, got[3].New, got[4].New})

	found := view(t, b.Ledger, look(got[0].ID, got[2].ID, got[4].ID))
	require.Len(t, found, 3, "a duplicate is a mail of its own")
	for i, of := range []int64{first.ID, got[1].ID, got[1].ID} {
		require.Equal(t, ledger.MailDuplicate, found[i].Status)
		require.Contains(t, found[i].Reason, fmt.Sprint("mail ", of))
		require.Equal(t, "copy", found[i].Mailbox)
		require.Equal(t, int64(3), found[i].Size)
		require.Equal(t, view(t, b.Ledger, raw(of)), view(t, b.Ledger, raw(found[i].ID)))
		require.Equal(t, view(t, b.Ledger, raw(of)), stream(t, b.Ledger, found[i].ID))
	}
	do(t, b.Ledger, ledger.Tx.WantUnread)
	tasks := update(t, b.Ledger, claim(ledger.TaskRead, 9, "a"))
	require.ElementsMatch(t, []int64{first.ID, got[1].ID, got[3].ID}, keysOf(tasks), "duplicates are not read")
}

// testUnread is the way back to mails that were added and not read.
func testUnread(t *testing.T, b *bundle) {
	added := addMails(t, b.Ledger, mails("one", "two", "three"))
	require.Empty(t, update(t, b.Ledger, claim(ledger.TaskRead, 9, "a")), "who adds them reads them")
	do(t, b.Ledger, func(tx ledger.Tx) error {
		return tx.SetMails([]ledger.MailResult{{ID: added[1].ID, Status: ledger.MailParsed}})
	})
	do(t, b.Ledger, ledger.Tx.WantUnread)
	do(t, b.Ledger, ledger.Tx.WantUnread)
	tasks := update(t, b.Ledger, claim(ledger.TaskRead, 9, "a"))
	require.Equal(t, []int64{added[0].ID, added[2].ID}, keysOf(tasks))
	require.Equal(t, int64(1), tasks[0].Wanted, "one that is wanted is not wanted again")
	require.Empty(t, finish(t, b.Ledger, ledger.Outcome{Task: tasks[0], Done: true}, ledger.Outcome{Task: tasks[1], Park: true}))
	do(t, b.Ledger, ledger.Tx.WantUnread)
	again := update(t, b.Ledger, claim(ledger.TaskRead, 9, "a"))
	require.Equal(t, []int64{added[0].ID}, keysOf(again), "it is still unread; the other one is parked")
}

func testRaw(t *testing.T, b *bundle) {
	const mib = 1 << 20
	random := rand.NewChaCha8([32]byte{1})
	for uid, size := range []int{0, 1, mib - 1, mib, mib + 1, 5*mib + 17} {
		m := mails(fmt.Sprint("size ", size))[0]
		m.UID = uint32(uid + 1)
		m.Raw = make([]byte, size)
		random.Read(m.Raw)
		added := addMails(t, b.Ledger, []ledger.NewMail{m})[0]
		require.True(t, bytes.Equal(m.Raw, view(t, b.Ledger, raw(added.ID))), "%d bytes", size)
		require.True(t, bytes.Equal(m.Raw, stream(t, b.Ledger, added.ID)), "%d bytes", size)
		require.Equal(t, int64(size), view(t, b.Ledger, look(added.ID))[0].Size)
	}
	err := b.View(t.Context(), func(tx ledger.Tx) error {
		_, err := tx.Raw(12345)
		return err
	})
	require.ErrorIs(t, err, ledger.ErrNotFound)
	_, err = b.OpenRaw(t.Context(), 12345)
	require.ErrorIs(t, err, ledger.ErrNotFound)
}

func testSetMails(t *testing.T, b *bundle) {
	id := addMails(t, b.Ledger, mails("one"))[0].ID
	result := ledger.MailResult{
		ID: id, Status: ledger.MailPartial, Reason: "no zone", Kind: parse.SingleRisk,
		Subject: "Sicherheitsalarm – 警告 🛡", From: "sepm@example.com",
	}
	do(t, b.Ledger, func(tx ledger.Tx) error { return tx.SetMails([]ledger.MailResult{result}) })
	m := view(t, b.Ledger, look(id))[0]
	require.Equal(t, result, ledger.MailResult{ID: m.ID, Status: m.Status, Reason: m.Reason, Kind: m.Kind, Subject: m.Subject, From: m.From})

	err := b.Update(t.Context(), func(tx ledger.Tx) error {
		return tx.SetMails([]ledger.MailResult{{ID: id, Status: ledger.MailIgnored}, {ID: 999}})
	})
	require.ErrorIs(t, err, ledger.ErrNotFound)
	require.ErrorContains(t, err, "999")
	require.Equal(t, ledger.MailPartial, view(t, b.Ledger, look(id))[0].Status)
}

// testHostileMail stores what a sender may put in a header and a database may
// refuse.
func testHostileMail(t *testing.T, b *bundle) {
	hostile := "a\x00b\xff\xfec" + strings.Repeat("长", 20_000)
	kept := "a\uFFFDb\uFFFDc" + strings.Repeat("长", 20_000)
	m := mails("hostile")[0]
	m.MessageID = hostile
	m.Raw = []byte("\x00\xff'; DROP TABLE mail; --\r\n")
	id := addMails(t, b.Ledger, []ledger.NewMail{m})[0].ID
	do(t, b.Ledger, func(tx ledger.Tx) error {
		return tx.SetMails([]ledger.MailResult{{ID: id, Status: ledger.MailQuarantined, Reason: hostile, Subject: hostile, From: hostile}})
	})
	got := view(t, b.Ledger, look(id))[0]
	require.Equal(t, []string{kept, kept, kept, kept}, []string{got.MessageID, got.Reason, got.Subject, got.From})
	require.Equal(t, m.Raw, view(t, b.Ledger, raw(id)))

	m.UID++
	require.False(t, addMails(t, b.Ledger, []ledger.NewMail{m})[0].New, "it is still the same message")
}
