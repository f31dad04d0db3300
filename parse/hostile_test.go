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
