package mime

import (
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const boundary = "Content-Type: multipart/mixed; boundary=b\n\n"

func TestLimits(t *testing.T) {
	t.Parallel()
	word := strings.Repeat("0123456789abcde\n", 1<<16) // 1 MiB
	for name, test := range map[string]struct {
		raw     string
		warning string
		check   func(m *Message) bool
	}{
		"text": {"\n" + strings.Repeat(word, 9), "only the first 8388608 bytes of text are read",
			func(m *Message) bool { return len(m.Texts[0].Text) == maxText }},
		"text of all parts": {boundary + strings.Repeat("--b\n\n"+word+"\n", 12), "only the first 8388608 bytes of text are read",
			func(m *Message) bool {
				return len(m.Texts) == 12 && len(m.Texts[7].Text) > 0 && m.Texts[8].Text == ""
			}},
		"text that grows": {"Content-Type: text/plain; charset=latin1\n\n" + strings.Repeat("\xe9\n", 4<<20), "only the first 8388608 bytes of text are read",
			func(m *Message) bool { return len(m.Texts[0].Text) == maxText }},
		"a line": {"\nshort\n" + strings.Repeat("x", maxLine+10) + "\nshort", "1 lines of text are cut at 262144 bytes",
			func(m *Message) bool {
				return m.Texts[0].Text == "short\n"+strings.Repeat("x", maxLine)+"\nshort"
			}},
		"parts": {boundary + strings.Repeat("--b\n\nx\n", maxParts+1), "only the first 1000 parts are read",
			func(m *Message) bool { return len(m.Texts) == maxParts }},
		"nested parts": {nested(40, "Content-Type: multipart/mixed; boundary=b%[1]d\n\n--b%[1]d\n"), "parts nested deeper than 32 are left out",
			func(m *Message) bool { return len(m.Texts) == 0 }},
		"nested mails": {nested(40, "Subject: %d\nContent-Type: message/rfc822\n\n"), "mails nested deeper than 32 are left out",
			func(m *Message) bool {
				depth := 0
				for ; len(m.Attached) > 0; m = m.Attached[0] {
					depth++
				}
				return depth == maxNesting && m.Subject == "32"
			}},
		"encoded mails": {"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" +
			base64.StdEncoding.EncodeToString([]byte("Content-Type: application/zip; name=x.zip\n\n"+strings.Repeat(word, 17))), "only the first 16777216 bytes of encoded mails are read",
			func(m *Message) bool {
				file := m.Attached[0].Files[0]
				return file.Size > 16<<20-100 && file.SHA256 == "" // it is not that of the file
			}},
		"a file in an encoded mail": {"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" +
			base64.StdEncoding.EncodeToString([]byte("Content-Type: application/octet-stream; name=x.eml\n\nContent-Type: application/zip\n\n"+strings.Repeat(word, 17))), "only the first 16777216 bytes of encoded mails are read",
			func(m *Message) bool {
				return m.Attached[0].Files[0].SHA256 == "" && m.Attached[0].Attached[0].Files[0].SHA256 == ""
			}},
		"headers": {strings.Repeat("X-A: b\n", maxFields) + "Subject: x\n\n", "only the first 1000 headers are read",
			func(m *Message) bool { return m.Subject == "" }},
		"a header": {"Subject: " + strings.Repeat("x\n ", maxValue) + "\n\nx", "a header of more than 16384 bytes is cut",
			func(m *Message) bool { return len(m.Subject) > maxHeader-3 && m.Texts[0].Text == "x" }},
		"warnings": {boundary + strings.Repeat("--b\nContent-Transfer-Encoding: x\n\nx\n", 30), "and 10 more warnings",
			func(m *Message) bool { return len(m.Warnings.Texts()) == MaxWarnings+1 }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := Read([]byte(test.raw))
			require.Contains(t, m.Warnings.Texts(), test.warning)
			require.True(t, test.check(m))
			requireSound(t, []byte(test.raw), m)
		})
	}
}

// nested repeats a header that takes its depth.
func nested(n int, header string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, header, i)
	}
	b.WriteString("\nx")
	return b.String()
}

// TestHostile reads what would cost hours, or gigabytes, if any of it were
// done again for each line, part or level.
func TestHostile(t *testing.T) {
	t.Parallel()
	const many = 1 << 18
	for name, raw := range map[string]string{
		"border lines":       boundary + strings.Repeat("--b\n", many),
		"nearly borders":     nested(30, "Content-Type: multipart/mixed; boundary=b%[1]d\n\n--b%[1]d\n") + strings.Repeat("\n--bb", many),
		"borders to guess":   strings.Repeat("Content-Type: multipart/mixed\n\n--b\n", many),
		"no borders":         strings.Repeat("Content-Type: multipart/mixed; boundary=b\n\n", many),
		"bad headers":        strings.Repeat(boundary+"--b\nbad\nbad\n", many/8),
		"header lines":       "x: y\n" + strings.Repeat(" x\n", many) + "bad\n\nx",
		"folded types":       strings.Repeat("Content-Type: x\n"+strings.Repeat(" y\n", 1<<12), 1<<6) + "\nx",
		"types in pieces":    "Content-Type: x;\n" + strings.Repeat("a=b;\n", many) + "\nx",
		"mails in mails":     strings.Repeat("Content-Type: message/rfc822\n\n", 10_000),
		"encoded in encoded": encodedMails(40),
		"words":              "Subject: " + strings.Repeat("=?", many) + "\n\nx",
		"parameters":         "Content-Type: multipart/mixed; " + strings.Repeat("boundary*0=b;", many) + "\n\n--b\n\nx",
		"comments":           "Date: " + strings.Repeat("(", many) + "\nFrom: " + strings.Repeat("(", many) + "\n\nx",
		"not UTF-8":          "\n" + strings.Repeat("\xff", many),
		"escapes":            "\n" + strings.Repeat("\x1b$B\x1b(B", many),
		"equal signs":        "Content-Transfer-Encoding: quoted-printable\n\n" + strings.Repeat("=", many),
		"paddings":           "Content-Transfer-Encoding: base64\n\n" + strings.Repeat("=", many),
		"quotes":             "Content-Type: text/plain; format=flowed\n\n" + strings.Repeat("> \n", many) + strings.Repeat(">", many),
		"returns":            strings.Repeat("\r", many),
		"line ends":          strings.Repeat("\n", many),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireSound(t, []byte(raw), Read([]byte(raw)))
		})
	}
}

// encodedMails puts a mail into base64 again and again.
func encodedMails(n int) string {
	raw := "Subject: x\n\nx"
	for range n {
		if len(raw) > 1<<20 {
			break
		}
		raw = "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" + base64.StdEncoding.EncodeToString([]byte(raw))
	}
	return raw
}

// TestMemory: what a mail costs beside its own bytes does not grow with it. It
// does not run beside other tests, whose memory would be counted.
func TestMemory(t *testing.T) {
	const size = 50 << 20
	line := strings.Repeat("0123456789abcde ", 4)[:63] + "\n"
	mails := map[string]func() string{
		"one text": func() string { return fill("Subject: x\n\n", line, "", size) },
		"one line": func() string { return fill("Subject: x\n\n", "0123456789abcde ", "", size) },
		"HTML":     func() string { return fill("Content-Type: text/html\n\n", "<p>"+line, "", size) },
		"another charset": func() string {
			return fill("Content-Type: text/plain; charset=latin1\n\n", "\xe9\xe9\xe9\xe9\xe9\n", "", size)
		},
		"no charset": func() string { return fill("Subject: x\n\n", "\xe9\xe9\xe9\xe9\xe9\n", "", size) },
		"quoted text": func() string {
			return fill("Content-Transfer-Encoding: quoted-printable\n\n", "0123=\n=C3=A9\n", "", size)
		},
		"base64 text": func() string {
			return fill("Content-Transfer-Encoding: base64\n\n", base64.StdEncoding.EncodeToString([]byte(line))+"\n", "", size)
		},
		"a file": func() string {
			return fill("Content-Type: application/zip\nContent-Transfer-Encoding: base64\n\n", base64.StdEncoding.EncodeToString([]byte(line))+"\n", "", size)
		},
		"a quoted file": func() string {
			return fill("Content-Type: application/zip\nContent-Transfer-Encoding: quoted-printable\n\n", "0123=\n=C3=A9\n", "", size)
		},
		"an encoded mail": func() string {
			return fill("Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n", base64.StdEncoding.EncodeToString([]byte(line))+"\n", "", size)
		},
		"10,000 parts": func() string {
			return fill(boundary, "--b\nContent-Type: text/html\n\n"+strings.Repeat(line, 80), "--b--\n", size)
		},
		"10,000 mails": func() string {
			return strings.Repeat("Content-Type: message/rfc822\n\n", 10_000) + strings.Repeat(line, 1<<19)
		},
		"10,000 multiparts":  func() string { return nested(10_000, "Content-Type: multipart/mixed; boundary=b%[1]d\n\n--b%[1]d\n") },
		"a long header":      func() string { return fill("Subject: x\n", " "+line, "\nx", size) },
		"many headers":       func() string { return fill("Subject: x\n", "X-A: "+line, "\nx", size) },
		"a header of no end": func() string { return fill("Subject: x\nbad\nbad\n", "bad: "+line, "", size) },
		"flowed":             func() string { return fill("Content-Type: text/plain; format=flowed\n\n", line[:62]+" \n", "", size) },
		"returns alone":      func() string { return strings.ReplaceAll(fill("Subject: x\n\n", line, "", size/2), "\n", "\r") },
	}
	for name, mail := range mails {
		t.Run(name, func(t *testing.T) {
			raw := []byte(mail())
			got := allocated(func() { Read(raw) })
			t.Logf("%d MiB for a mail of %d MiB", got>>20, len(raw)>>20)
			// With the mail itself that is well under the 200 MB of the design.
			require.Less(t, got, uint64(100<<20))
		})
	}
}

func fill(head, piece, tail string, size int) string {
	return head + strings.Repeat(piece, size/len(piece)) + tail
}

// allocated gives the bytes that are allocated while f runs, garbage included,
// which is no less than what is in use at any time.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestDetectionIsRare: a guess costs a megabyte, and a mail with an umlaut none.
func TestDetectionIsRare(t *testing.T) {
	require.Greater(t, allocated(func() { toUTF8([]byte("Gr\xf6\xdfe"), "") }), uint64(12<<10))
	require.Less(t, allocated(func() { toUTF8([]byte("J\xfcrgen M\xfcller"), "") }), uint64(8<<10))
}

// TestFilesStream: a file is hashed as it is decoded.
func TestFilesStream(t *testing.T) {
	raw := []byte(fill("Content-Type: application/zip\nContent-Transfer-Encoding: base64\n\n", "MDEyMzQ1Njc4OWFi\n", "", 8<<20))
	var m *Message
	require.Less(t, allocated(func() { m = Read(raw) }), uint64(1<<20))
	require.Greater(t, m.Files[0].Size, int64(5<<20))
}
