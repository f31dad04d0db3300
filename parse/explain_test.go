package parse_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/parse"
)

// TestExplain: of every mail of the corpus the explanation tells the alert
// that reading gives, the bytes of a line are its text, and a line is of an
// event that there is.
func TestExplain(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(mails, "*.eml"))
	require.NoError(t, err)
	reader := parse.NewReader(parse.Options{})
	placed, decoded := 0, 0
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		e := reader.Explain(raw)
		require.Equal(t, reader.Read(raw), e.Alert, file)
		told := make(map[int]bool)
		for _, text := range e.Texts {
			for _, l := range text.Lines {
				if decoded++; l.InMail {
					placed++
					decoded--
					require.Equal(t, l.Text, string(raw[l.Start:l.End]), "%s line %d", file, l.Line)
				}
				if text.Used && l.Event >= 0 {
					told[l.Event] = true
				}
			}
		}
		if len(e.Alert.Events) > 0 && len(e.Texts) == 1 {
			require.Len(t, told, len(e.Alert.Events), file)
		}
	}
	require.Greater(t, placed, 500)
	require.Greater(t, decoded, 100)
}

func TestExplainTellsWhatIsLeftOut(t *testing.T) {
	t.Parallel()
	raw := "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nRisk name: R\nUser: SYSTEM\nIP Address: 0.0.0.0\nComputer: PC\n" +
		"--b\nContent-Type: application/zip; name=\"../a.zip\"\nContent-Transfer-Encoding: base64\n\nYWJj\n--b--\n"
	e := parse.NewReader(parse.Options{}).Explain([]byte(raw))
	require.Equal(t, []parse.LeftOut{
		{Event: 0, Type: "IP Address", Value: "0.0.0.0", Why: "it names no other host"},
		{Event: 0, Type: "User Account", Value: "SYSTEM", Why: "every host has the account"},
	}, e.LeftOut)
	require.Equal(t, []parse.ExplainedFile{{Part: "2", Name: "a.zip", Type: "application/zip", Size: 3,
		SHA256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}}, e.Files)
}
