package pipeline_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/pipeline"
	"github.com/sepwatch/sepwatch/internal/simulate/fault"
	"github.com/sepwatch/sepwatch/internal/simulate/soar"
)

// The mails of an incident's alerts stand on it as they came.
func TestMailsAreAttached(t *testing.T) {
	t.Parallel()
	first := alert("HOST-1")
	large := append(again("HOST-1", 1), bytes.Repeat([]byte("It is larger than what is read at once.\n"), 60_000)...)
	for which, want := range map[pipeline.AttachMail]map[string][]byte{
		pipeline.AttachNone:  {},
		pipeline.AttachFirst: {"alert-1.eml": first},
		pipeline.AttachAll:   {"alert-1.eml": first, "alert-2.eml": large, "alert-3.eml": again("HOST-1", 2)},
	} {
		t.Run(string(which), func(t *testing.T) {
			t.Parallel()
			b := setup(t, options{soar: soar.Options{KeyField: true}, sepm: fleet("HOST-1")})
			b.settings.AttachMail = which
			b.soarFaults.On(fault.Switch{Kind: fault.LostReply, Method: "POST", Path: "incidents/*/attachments", Remaining: 1})
			b.start()
			b.receive(first, large)
			b.settle()
			b.receive(again("HOST-1", 2))
			b.settle()
			require.Len(t, b.open(), 1)
			got := map[string][]byte{}
			for _, a := range b.open()[0].Attachments {
				require.Equal(t, "message/rfc822", a.ContentType)
				require.NotContains(t, got, a.Name)
				got[a.Name] = a.Content
			}
			require.Equal(t, want, got)
		})
	}
}

// A file that Resilient takes none of, since it is too large, is parked with
// the reason and holds nothing back.
func TestMailThatIsTooLargeToAttach(t *testing.T) {
	t.Parallel()
	b := setup(t, options{soar: soar.Options{KeyField: true, MaxAttachmentMB: 1}, sepm: fleet("HOST-1")})
	b.settings.AttachMail = pipeline.AttachFirst
	b.start()
	b.receive(append(alert("HOST-1"), bytes.Repeat([]byte("Too large.\n"), 100_000)...))
	b.settle()
	require.Len(t, b.open()[0].Rows, 1)
	require.Empty(t, b.open()[0].Attachments)
	require.EqualValues(t, 1, b.counts().PiecesParked)
	require.Zero(t, b.soar.Calls()["POST /incidents/{inc}/attachments"], "it is not even sent")
}
