package parse

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/parse/mime"
)

// FuzzMoment: no text makes the time reader panic, and what it reads can be
// written and read again, and becomes an instant in every zone.
func FuzzMoment(f *testing.F) {
	for _, s := range []string{
		"Feb 28, 2019 3:40:12 AM", "28 févr. 2019 03:40:12", "2019年2月28日 3:40:12", "2019-02-28T03:40:12+05:30", "28/02/2019 03:40:12 PDT",
		"Jun 26, 2024 6:46:43\u202fAM (GMT+02:00)", "Jan 1, 1970 12:00:00 AM", "0000-1-1 0:0:0", "9999-12-31 23:59:59 +14:00",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, ok := English().moment(s)
		if !ok || m.wall.IsZero() {
			return
		}
		again, ok := English().moment(m.String())
		require.True(t, ok, m.String())
		require.Equal(t, m.wall, again.wall.Add(time.Duration(m.wall.Nanosecond())))
		for _, zone := range []Zone{{}, {location: time.UTC}, {location: time.FixedZone("x", 12*60*60)}} {
			var warn mime.Warnings
			utc := zone.clock(m, m.wall, &warn).instant("x", m.String(), m, &warn)
			_, err := time.Parse(time.RFC3339, utc)
			require.NoError(t, err, utc)
		}
	})
}

// FuzzGrammar: whatever stands in the lines of a text, labels and values are
// read in bounds, and reading with a trace changes nothing.
func FuzzGrammar(f *testing.F) {
	for _, s := range []string{
		"At least one security risk found:\nRisk name: R\nFile path: C:\\x\nEvent time: Feb 28, 2019 3:40:12 AM\nComputer: PC\n\nThis alarm was generated at Feb 28, 2019 3:50:21 AM.\nRisk name: *\n",
		"Security alert: suspicious activity from 203.0.113.9 blocked\nRemote Port: 443\nSignature: [SID: 1] x\n",
		"Risk name\x1fR\nComputer:\x1fPC\n\nRisk name\tComputer\tAction\nR\tPC\tLeft alone\n",
		"> Risk name： R\n> Computer :\tUser:\tFile path: C:\\a\n> b\\c.exe\nRisk name: S\n",
		"Risk name: R\nDescription: a\n\nb\nUser: x\nUser: y\nMD5: 0a\nIP Address: fe80::1%12, 10.0.0.1\n10.0.0.2\n",
	} {
		f.Add(s)
	}
	r := NewReader(Options{})
	f.Fuzz(func(t *testing.T, s string) {
		b := r.readBody(s, nil)
		require.LessOrEqual(t, len(b.events), defaultMaxEvents)
		require.Len(t, b.times, len(b.events))
		for _, e := range b.events {
			for _, value := range []string{e.Risk, e.FilePath, e.Computer, e.User, e.Source, e.Description, e.Action} {
				require.LessOrEqual(t, len(value), defaultMaxValue)
				require.NotContains(t, value, "\r")
				require.Equal(t, value, trimBlanks(value))
			}
		}
		var told trace
		traced := r.readBody(s, &told)
		require.Equal(t, b.events, traced.events)
		require.Equal(t, b.warn.Texts(), traced.warn.Texts())
		lines := strings.Count(unifyBreaks(s), "\n") + 1
		for _, l := range told.lines {
			require.LessOrEqual(t, l.line, lines)
			require.Less(t, l.event, max(1, len(b.events)))
		}
	})
}

// FuzzRedact: no mail makes the copy hang or panic, and a copy is read.
func FuzzRedact(f *testing.F) {
	f.Add([]byte("Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n\n<p>Risk name: R &lt;br&gt; &amp;lt;br&amp;gt;\n--b\nContent-Type: message/rfc822\n\nSubject: =?x\n\nx\n--b--"))
	f.Fuzz(func(_ *testing.T, raw []byte) {
		r := NewReader(Options{})
		r.Read(r.Redact(raw))
	})
}
