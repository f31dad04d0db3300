package indicator_test

import (
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/parse/indicator"
)

// FuzzFind: whatever the text, what is found is bounded, stands in it, would
// be taken by Resilient, and is found again in a text that is nothing else.
func FuzzFind(f *testing.F) {
	for text := range defanged {
		f.Add(text)
	}
	for _, group := range [][]pathCase{windowsPaths, uncPaths, unixPaths, registryKeys} {
		for _, c := range group {
			f.Add(c.text)
		}
	}
	for _, text := range []string{
		"version 1.2.3.4 from 10.1.2.3-10.1.2.9/24", "Computer id: C73763EF092E5BB9462D7353C645BC2C", "IP: 20010DB8000000000000000000000001 fe80::1%25eth0",
		"ファイルevil.comを bücher.de _x_й.evil.com my_evil.com", "CVE\u20112021\u201144228 <a@b.evil.co.uk>", "http://[::ffff:1.2.3.4]:80/(a),http://u:p@1.2.3.4/,b",
		"http://evil.com/a［.］b", "\xd8\u0603\xa1vil.co", "C:\\ h\\\\\\\\ x",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		found := indicator.Find(text)
		require.LessOrEqual(t, len(found), 200)
		for n, i := range found {
			require.True(t, 0 <= i.Start && i.Start < i.End && i.End <= len(text), "%+v", i)
			require.Equal(t, text[i.Start:i.End], i.Raw)
			require.True(t, utf8.ValidString(i.Value) && utf8.ValidString(i.Raw), "%+v", i)
			require.True(t, indicator.Accepts(i.Type, i.Value), "%+v", i)
			require.True(t, n == 0 || found[n-1].Start <= i.Start, "in text order")
			require.True(t, has(alone(i), i.Type, i.Value), "%+v is not found again", i)
		}
	})
}

// alone finds an indicator's value in a text that says of it what the text
// said around it: where a path ends, and that a name is a host's.
func alone(i indicator.Indicator) []indicator.Indicator {
	switch i.Type {
	case incident.FilePath, incident.RegistryKey:
		return indicator.Find(`"` + i.Value + `"`)
	case incident.DNSName:
		return indicator.Find("http://" + i.Value + "/")
	}
	return indicator.Find(i.Value)
}

func has(found []indicator.Indicator, t incident.ArtifactType, value string) bool {
	for _, i := range found {
		if i.Type == t && i.Value == value {
			return true
		}
	}
	return false
}
