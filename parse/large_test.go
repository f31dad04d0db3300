package parse_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/parse"
)

// TestLargeMails is T06: what is large about a mail costs little and loses
// no alert that stands before it. It runs alone, because it counts what is
// allocated, which is at least what is held at once.
func TestLargeMails(t *testing.T) {
	const (
		size  = 50 << 20
		most  = 200 << 20 // bytes
		head  = "From: sepm@example.com\nSubject: New Risk Found: x\n"
		alert = "At least one security risk found:\nRisk name: R\nFile path: C:\\x.exe\nComputer: PC\nUser: bob\n"
		first = head + "Content-Type: multipart/mixed; boundary=b0\n\n--b0\nContent-Type: text/plain\n\n" + alert
		end   = "--b0--\n"
	)
	fill := func(s string) string { return strings.Repeat(s, size/len(s)) }
	base64 := strings.Repeat("QUJD", 19) + "\n"
	nested := func() string {
		var b strings.Builder
		for i := range 100 {
			fmt.Fprintf(&b, "--b%d\nContent-Type: multipart/mixed; boundary=b%d\n\n", i, i+1)
		}
		return b.String() + "--b100\n\n" + alert
	}
	attached := strings.Repeat(head+"Content-Type: message/rfc822\n\n", 20)
	tests := map[string]struct {
		raw    func() string
		events int
		warned string // a text in one of the warnings
	}{
		"zip archive": {func() string {
			return first + "--b0\nContent-Type: application/zip\nContent-Transfer-Encoding: base64\n" +
				"Content-Disposition: attachment; filename=x.zip\n\n" + fill(base64) + end
		}, 1, ""},
		"text":           {func() string { return head + "\n" + alert + fill("words and words\n") }, 1, "bytes of text are read"},
		"text in base64": {func() string { return head + "Content-Transfer-Encoding: base64\n\n" + fill(base64) }, 0, "bytes of text are read"},
		"HTML": {func() string {
			return head + "Content-Type: text/html\n\n<pre>" + alert + "</pre>" + fill("<p>a b</p>\n")
		}, 1, "bytes of text are read"},
		"one line":     {func() string { return head + "\n" + alert + fill("x") }, 1, "bytes of text are read"},
		"header lines": {func() string { return head + fill("X-Spam: no\n") + "\n" + alert }, 1, ""},
		"one header":   {func() string { return head + "X-Spam: no" + fill(" no") + "\n\n" + alert }, 1, ""},
		"10,000 parts": {func() string { return first + strings.Repeat("--b0\n\nx\n", 10_000) + end }, 1, "parts are read"},
		"1,000 texts": {func() string {
			return first + strings.Repeat("--b0\n\n"+strings.Repeat("words and words\n", 500)+"\n", 900) + end
		}, 1, ""},
		"10,000 mails": {func() string {
			return first + strings.Repeat("--b0\nContent-Type: message/rfc822\n\nSubject: x\n\nz\n", 10_000) + end
		}, 1, "parts are read"},
		"100 parts deep": {func() string { return first + nested() }, 1, "nested deeper"},
		"20 mails deep":  {func() string { return attached + head + "\n" + alert }, 1, ""},
		"100 mails deep": {func() string { return strings.Repeat(attached, 5) + head + "\n" + alert }, 0, "nested deeper"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			raw := []byte(test.raw())
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			a := parse.NewReader(parse.Options{}).Read(raw)
			runtime.ReadMemStats(&after)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(most))
			require.Len(t, a.Events, test.events)
			require.Contains(t, strings.Join(a.Warnings, "\n"), test.warned)
			require.Equal(t, parse.NewRisk, a.Kind)
			sound(t, raw, a)
		})
	}
}
