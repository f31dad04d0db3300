package parse_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whoever names a file, a computer or a user writes into SEPM's mail. These
// are names that would end an event, begin another, or hide the rest.

// hostileMail is a mail of two events of which the first is about such a file.
func hostileMail(path string) string {
	return "At least one security risk found:\n" +
		"Risk name: R1\nFile path: " + path + "\nComputer: PC-1\nUser: bob\nAction taken on risk: Left alone\n\n" +
		"Risk name: R2\nFile path: C:\\b.exe\nComputer: PC-2\nUser: bob\nAction taken on risk: Left alone\n\n" +
		"This alarm was generated at Feb 28, 2019 3:50:21 AM (Reporter host Time).\nComputer: *\n"
}

func TestFileNameEndsNoLine(t *testing.T) {
	t.Parallel()
	for name, path := range map[string]string{
		"footer":    "C:\\a\u2028This alarm was generated.exe",
		"event":     "C:\\a\u2029\u2029Risk name: Fake\u2028Computer: PC-9\u2028Action: Deleted",
		"other row": "C:\\a\u0085This alarm was generated\v\f.exe",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := readText(hostileMail(path))
			require.Len(t, a.Events, 2)
			require.Equal(t, path, a.Events[0].FilePath)
			require.Equal(t, "PC-1", a.Events[0].Computer)
			require.Equal(t, "Left alone", a.Events[0].Action)
		})
	}
}

func TestSeparatorsOfUnicodeEndLinesWhereNothingElseDoes(t *testing.T) {
	t.Parallel()
	a := readText(strings.ReplaceAll(hostileMail(`C:\a.exe`), "\n", "\u2028") + "\n")
	require.Len(t, a.Events, 2)
	require.Equal(t, "PC-1", a.Events[0].Computer)
}

// TestWrappedFileNameIsNoSentence is a relay that wraps a line where the rest
// of a name reads like one of SEPM's sentences.
func TestWrappedFileNameIsNoSentence(t *testing.T) {
	t.Parallel()
	long := `C:\Users\bob\Downloads\` + strings.Repeat("a", 40)
	for _, rest := range []string{
		"This alarm was generated.exe",
		"This alarm was generated at noon.exe",
		"At least one security risk found.exe",
	} {
		t.Run(rest, func(t *testing.T) {
			t.Parallel()
			a := readText(hostileMail(long + "\n" + rest))
			require.Len(t, a.Events, 2)
			require.Equal(t, long+" "+rest, a.Events[0].FilePath)
			require.Equal(t, "PC-1", a.Events[0].Computer)
			require.Equal(t, "2019-02-28T03:50:21", a.GeneratedAt)
		})
	}
}

func TestFooterRightAfterLongLine(t *testing.T) {
	t.Parallel()
	const label, footer = "Risk name: R\nFile path: C:\\a.exe\n", "\nThis alarm was generated at Feb 28, 2019 3:50:21 AM.\nComputer: *\n"
	for _, last := range []string{"Computer: PC-1\nClient Group: ", "Action taken on risk: "} {
		a := readText(label + last + strings.Repeat("b", 80) + footer)
		require.Len(t, a.Events, 1)
		require.Equal(t, "2019-02-28T03:50:21", a.GeneratedAt)
		require.NotContains(t, a.Events[0].Computer+a.Events[0].ClientGroup+a.Events[0].Action, "alarm")
	}
}
