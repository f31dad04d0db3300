package pipeline_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/ingest"
	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/parse"
)

// mails returns the ledger's first n mails.
func (b *bench) mails(n int) (mails []ledger.Mail) {
	b.t.Helper()
	ids := make([]int64, n)
	for i := range ids {
		ids[i] = int64(i + 1)
	}
	require.NoError(b.t, b.ledger.View(b.t.Context(), func(tx ledger.Tx) (err error) {
		mails, err = tx.Mails(ids)
		return err
	}))
	require.Len(b.t, mails, n)
	return mails
}

func TestPanickingReaderQuarantinesItsMailOnly(t *testing.T) {
	t.Parallel()
	reader := parse.NewReader(parse.Options{})
	b := setup(t, options{sepm: fleet("HOST-1", "HOST-3"), read: func(raw []byte) parse.Alert {
		if bytes.Contains(raw, []byte("HOST-2")) {
			panic("index out of range")
		}
		return reader.Read(raw)
	}})
	b.start()
	b.receive(alert("HOST-1"), alert("HOST-2"), alert("HOST-3"))
	b.settle()
	require.Len(t, b.open(), 2)
	mails := b.mails(3)
	require.Equal(t, ledger.MailQuarantined, mails[1].Status)
	require.Contains(t, mails[1].Reason, "index out of range")
	require.Equal(t, ledger.MailParsed, mails[2].Status)
	require.NoError(t, b.ledger.View(t.Context(), func(tx ledger.Tx) error {
		raw, err := tx.Raw(2)
		require.Equal(t, alert("HOST-2"), raw, "its bytes are kept")
		return err
	}))
}

func TestTooLargeMailIsQuarantined(t *testing.T) {
	t.Parallel()
	b := setup(t, options{})
	b.start()
	b.state.Mark = 1
	require.NoError(t, b.pipeline.Commit(t.Context(), b.state, []ingest.Mail{
		{UIDValidity: 1, UID: 1, Raw: alert("HOST-1")[:100], Truncated: true, Size: 9999},
	}))
	b.settle()
	mail := b.mails(1)[0]
	require.Equal(t, ledger.MailQuarantined, mail.Status)
	require.Equal(t, "larger than max_size: the first 100 of its 9999 bytes are kept", mail.Reason)
	require.Empty(t, b.soar.Incidents())
}

func TestOneStoryOneIncident(t *testing.T) {
	t.Parallel()
	b := setup(t, options{sepm: fleet("HOST-1")})
	b.start()
	b.receive(alert("HOST-1"))
	b.settle()
	b.receive(alert("HOST-1"))                                                            // the same bytes at another position
	b.receive(append(alert("HOST-1"), "\nsent again\n"...))                               // another mail that says the same
	b.receive(bytes.Replace(alert("HOST-1"), []byte("Left alone"), []byte("Deleted"), 9)) // the action is not the story
	b.settle()
	require.Len(t, b.soar.Incidents(), 1)
	require.Len(t, b.open()[0].Artifacts, alertArtifacts)
	require.Len(t, b.open()[0].Rows, 1)
	require.Len(t, b.open()[0].Notes, 1, "another action is told once")
	require.Contains(t, b.open()[0].Notes[0].Text, "another action taken on risk: <b>Deleted</b>.")
	require.NoError(t, b.ledger.View(t.Context(), func(tx ledger.Tx) error {
		incidents, err := tx.Incidents([]int64{1})
		require.GreaterOrEqual(t, incidents[0].Seen, 3)
		return err
	}))
}

// TestAnotherActionIsTold: within one batch and over several, and once for each
// action however often SEPM sends the old event again.
func TestAnotherActionIsTold(t *testing.T) {
	t.Parallel()
	b := setup(t, options{sepm: fleet("HOST-1")})
	b.start()
	sent := 0
	with := func(action string) []byte {
		sent++
		return append(bytes.ReplaceAll(alert("HOST-1"), []byte("Left alone"), []byte(action)), fmt.Sprintf("\nsent %d\n", sent)...)
	}
	b.receive(with("Left alone"), with("<Quarantined>"))
	for range 3 {
		b.receive(with("Left alone"))
		b.receive(with("Deleted"), with("Deleted"))
		b.settle()
	}
	var texts []string
	for _, n := range b.open()[0].Notes {
		texts = append(texts, n.Text)
	}
	require.ElementsMatch(t, []string{
		"SEPM tells of this event again, with another action taken on risk: <b>&lt;Quarantined&gt;</b>.",
		"SEPM tells of this event again, with another action taken on risk: <b>Left alone</b>.",
		"SEPM tells of this event again, with another action taken on risk: <b>Deleted</b>.",
	}, texts)
}

func TestTheSamePositionAgainIsNothingNew(t *testing.T) {
	t.Parallel()
	b := setup(t, options{sepm: fleet("HOST-1")})
	b.start()
	b.receive(alert("HOST-1"))
	b.state.Mark--
	b.receive(alert("HOST-1"))
	b.settle()
	c := b.counts()
	require.EqualValues(t, 1, c.Mails)
	require.EqualValues(t, 1, c.Events)
}

func TestBlocksOfOneMailAreIncidentsOfTheirOwn(t *testing.T) {
	t.Parallel()
	b := setup(t, options{sepm: fleet("HOST-1", "HOST-2")})
	var mail strings.Builder
	mail.WriteString("From: sepm@example.com\nSubject: New Risk Found: several\n\nAt least one security risk found:\n")
	for i := 1; i <= 2; i++ {
		fmt.Fprintf(&mail, "Risk name: R%d\nFile path: C:\\f%d.exe\nComputer: HOST-%d\n\n", i, i, i)
	}
	b.start()
	b.receive([]byte(mail.String()))
	b.settle()
	open := b.open()
	require.Len(t, open, 2)
	for _, inc := range open {
		values := map[string]string{}
		for _, a := range inc.Artifacts {
			values[a.Type] = a.Value
		}
		n := values["Malware Family/Variant"][1:]
		require.Equal(t, "HOST-"+n, values["System Name"])
		require.Equal(t, `C:\f`+n+".exe", values["File Path"])
		require.Equal(t, "HOST-"+n, inc.Rows[0].Cells["computerName"])
	}
}

func TestMailThatIsNoAlertIsIgnored(t *testing.T) {
	t.Parallel()
	b := setup(t, options{})
	b.start()
	b.receive([]byte("From: a@example.com\nSubject: lunch\n\nNoon?\n"), nil, []byte("\x00\xff"))
	b.settle()
	require.Zero(t, b.counts().Incidents)
	for _, mail := range b.mails(3) {
		require.Equal(t, ledger.MailIgnored, mail.Status)
		require.Contains(t, mail.Reason, "alerts.subjects")
	}
}

func TestUnreadMailIsReadAfterACrash(t *testing.T) {
	t.Parallel()
	b := setup(t, options{sepm: fleet("HOST-1")})
	// What Commit does first, without the reading that follows it.
	require.NoError(t, b.ledger.Update(t.Context(), func(tx ledger.Tx) error {
		_, err := tx.AddMails([]ledger.NewMail{{Position: ledger.Position{Mailbox: "soc", UIDValidity: 1, UID: 1}, Raw: alert("HOST-1")}})
		return err
	}))
	_, err := b.pipeline.Take(t.Context(), "soc") // as the next session does
	require.NoError(t, err)
	b.start()
	b.settle()
	require.Len(t, b.open(), 1)
	require.Equal(t, ledger.MailParsed, b.mails(1)[0].Status)
}

func TestFencedWatcherCommitsNothing(t *testing.T) {
	t.Parallel()
	b := setup(t, options{})
	stale := b.state
	_, err := b.pipeline.Take(t.Context(), "soc")
	require.NoError(t, err)
	stale.Mark = 1
	err = b.pipeline.Commit(t.Context(), stale, []ingest.Mail{{UIDValidity: 1, UID: 1, Raw: alert("HOST-1")}})
	require.ErrorIs(t, err, ingest.ErrFenced)
	require.Zero(t, b.counts().Mails)
}

// The first mails after a mailbox was taken are in the ledger before they are
// read, since one of them may have ended the process; from then on reading
// comes first.
func TestFirstMailsAreStoredBeforeTheyAreRead(t *testing.T) {
	t.Parallel()
	var b *bench
	var stored []int64 // how many mails the ledger had at each reading
	reader := parse.NewReader(parse.Options{})
	b = setup(t, options{read: func(raw []byte) parse.Alert {
		stored = append(stored, b.counts().Mails)
		return reader.Read(raw)
	}})
	b.receive(alert("HOST-1"))
	b.receive(alert("HOST-2"))
	var err error
	b.state, err = b.pipeline.Take(t.Context(), "soc")
	require.NoError(t, err)
	b.receive(alert("HOST-3"))
	require.Equal(t, []int64{1, 1, 3}, stored)
	for _, mail := range b.mails(3) {
		require.Equal(t, ledger.MailParsed, mail.Status)
	}
}

// What the watcher read ahead is not read again.
func TestMailsAreReadAheadOnce(t *testing.T) {
	t.Parallel()
	readings := 0
	reader := parse.NewReader(parse.Options{})
	b := setup(t, options{read: func(raw []byte) parse.Alert {
		readings++
		return reader.Read(raw)
	}})
	ahead := b.pipeline.ReadAhead("soc")
	mail := ingest.Mail{UIDValidity: 1, UID: 2, Raw: alert("HOST-2")}
	require.Nil(t, ahead(mail), "not before the mailbox is known to be harmless")
	b.receive(alert("HOST-1"))
	mail.Reading = ahead(mail)
	require.Equal(t, 2, readings)
	b.state.Mark = 2
	require.NoError(t, b.pipeline.Commit(t.Context(), b.state, []ingest.Mail{mail}))
	require.Equal(t, 2, readings)
	require.Equal(t, ledger.MailParsed, b.mails(2)[1].Status)
}
