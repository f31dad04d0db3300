package parse_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html"
	"mime"
	"mime/quotedprintable"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"
)

// printable are the ASCII characters of values; ? is SEPM's mark of loss.
const printable = "abcXYZ019 .,;:'()_-+=&<>%#@!$~[]{}\"\\/"

type charset struct {
	encoding.Encoding
	letters string // those that the charset was made for
}

// charsets are those that SEPM's servers write, or relays make of it. Some
// letters have a backslash as their second byte.
func charsets() map[string]charset {
	const japaneseLetters = "表ソ能日本語端末アイー"
	return map[string]charset{
		"utf-8":        {unicode.UTF8, "äß漢😀é\u0301\u202eя"},
		"utf-16":       {unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), "äß漢😀é\u0301\u202eя"},
		"utf-16be":     {unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), "äß漢😀я"},
		"utf-16le":     {unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), "äß漢😀я"},
		"windows-1252": {charmap.Windows1252, "äöüßéèñ€’"},
		"windows-1251": {charmap.Windows1251, "Приветёщъ№"},
		"shift_jis":    {japanese.ShiftJIS, japaneseLetters},
		"iso-2022-jp":  {japanese.ISO2022JP, japaneseLetters},
		"gb18030":      {simplifiedchinese.GB18030, "终端病毒亀😀"},
		"big5":         {traditionalchinese.Big5, "功許蓋中文電腦"},
		"euc-kr":       {korean.EUCKR, "컴퓨터한글"},
	}
}

// holds reports whether the mail's charset and coding can carry the text. A
// text of two letters or so may be UTF-8 as well, and is then taken for it.
func (v variant) holds(s string) bool {
	if v["coding"] == "7bit" && v["charset"] != "iso-2022-jp" {
		return isASCII(s)
	}
	encoded, err := charsets()[v["charset"]].NewEncoder().String(s)
	_, singleByte := charsets()[v["charset"]].Encoding.(*charmap.Charmap)
	return err == nil && (isASCII(s) || !singleByte || !utf8.ValidString(encoded))
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > '~' }) < 0
}

// subjectOf is the guide's subject, for one event, or a custom one.
func subjectOf(events []drawn) string {
	d := events[0]
	if len(events) > 1 || d.risk == "" || d.action == "" {
		return "New Risk Found: on several computers of the domain Default, see below"
	}
	return fmt.Sprintf("Single Risk Event: machine %s infected with %s, action %s", d.computer, d.risk, d.action)
}

// mail writes the events as the variant has it.
func (v variant) mail(subject string, events []drawn) []byte {
	plain := part{v.textType(), v.encode(v.text(events))}
	markup := part{"text/html", v.encode(v.html(events))}
	note := part{v.textType(), v.encode("This mail needs a program that shows HTML." + v["line end"])}
	logo := part{"image/png; name=logo.png", v.base64([]byte("\x89PNG"))}
	single := plain
	if v.isHTML() {
		single = markup
	}
	var whole part
	switch v["structure"] {
	case "single":
		whole = single
	case "alternative":
		whole = v.multipart("alternative", plain, markup)
	case "stub":
		whole = v.multipart("alternative", note, markup)
	case "related":
		whole = v.multipart("related", markup, logo)
	case "nested":
		whole = v.multipart("mixed", v.multipart("alternative", plain, v.multipart("related", markup, logo)), logo)
	case "attached mail":
		inner := part{"message/rfc822", v["line end"] + v["line end"] + string(v.message(v.header(subject), single))}
		return v.message("Subject: Fwd: an alert", v.multipart("mixed", note, inner))
	}
	return v.message(v.header(subject), whole)
}

// part is a MIME part: its type, then its other header lines, a blank line
// and its content.
type part struct{ kind, content string }

func (p part) String() string { return "Content-Type: " + p.kind + p.content }

func (v variant) message(subject string, body part) []byte {
	head := "From: SEPM <sepm@example.com>\nTo: sepm-alerts@example.com\n" + subject +
		"\nDate: Thu, 28 Feb 2019 03:50:21 +0000\nMessage-ID: <variant@sepm.example.com>\nMIME-Version: 1.0\n"
	return []byte(strings.ReplaceAll(head, "\n", v["line end"]) + body.String())
}

func (v variant) multipart(kind string, parts ...part) part {
	border, eol := "=_"+kind, v["line end"]
	content := eol + eol
	for _, p := range parts {
		content += "--" + border + eol + p.String() + eol
	}
	return part{fmt.Sprintf("multipart/%s; boundary=%q", kind, border), content + "--" + border + "--" + eol}
}

func (v variant) textType() string {
	return "text/plain" + map[string]string{"yes": "; format=flowed", "delsp": "; format=flowed; delsp=yes"}[v["flowed"]]
}

// encode gives what follows the type of a text: its charset and transfer
// encoding as a header has them, and the text so encoded.
func (v variant) encode(text string) string {
	eol := v["line end"]
	encoded, err := charsets()[v["charset"]].NewEncoder().String(text)
	if err != nil {
		return err.Error() // and the test fails: the text was drawn to fit
	}
	head := fmt.Sprintf("; charset=%q%sContent-Transfer-Encoding: %s%s%s", v["charset"], eol, v["coding"], eol, eol)
	switch v["coding"] {
	case "base64":
		return head + lines76(base64.StdEncoding.EncodeToString([]byte(encoded)), eol)
	case "quoted-printable":
		var b bytes.Buffer
		w := quotedprintable.NewWriter(&b)
		w.Binary = strings.HasPrefix(v["charset"], "utf-16")
		_, _ = w.Write([]byte(encoded)) // a Buffer takes everything
		_ = w.Close()
		return head + strings.ReplaceAll(b.String(), "\r\n", eol)
	}
	return head + encoded
}

func (v variant) base64(content []byte) string {
	eol := v["line end"]
	return eol + "Content-Transfer-Encoding: base64" + eol + eol + base64.StdEncoding.EncodeToString(content) + eol
}

func lines76(s, eol string) string {
	var b strings.Builder
	for len(s) > 76 {
		b.WriteString(s[:76] + eol)
		s = s[76:]
	}
	return b.String() + s + eol
}

// header writes the subject.
func (v variant) header(subject string) string {
	const fold = "\n "
	word := func(coding mime.WordEncoder, charset, s string) string {
		return strings.ReplaceAll(coding.Encode(charset, s), "?= =?", "?="+fold+"=?")
	}
	switch v["subject"] {
	case "folded":
		return "Subject: " + strings.Replace(subject, ", ", ","+fold, 1)
	case "Q":
		return "Subject: " + word(mime.QEncoding, "utf-8", subject)
	case "B": // cut anywhere, even inside a character
		half := len(subject) / 2
		b64 := base64.StdEncoding.EncodeToString
		return "Subject: =?utf-8?B?" + b64([]byte(subject[:half])) + "?=" + fold + "=?UTF-8?b?" + b64([]byte(subject[half:])) + "?="
	case "B in charset":
		encoded, err := charsets()[v["charset"]].NewEncoder().String(subject)
		if err != nil {
			return err.Error()
		}
		return "Subject: =?" + v["charset"] + "?B?" + base64.StdEncoding.EncodeToString([]byte(encoded)) + "?="
	}
	return "Subject: " + subject
}

// before and after are the lines around the events.
func (v variant) before() []string {
	switch v["frame"] {
	case "forwarded":
		return []string{"FYI", "", "-----Original Message-----", "From: SEPM <sepm@example.com>", "Sent: Thursday, February 28, 2019 3:50 AM",
			"To: SOC", "Subject: Security alert", "", "At least one security risk found:"}
	case "banner":
		return []string{"[EXTERNAL] This mail came from outside. Do not open links.", "", "At least one security risk found:"}
	}
	return []string{"At least one security risk found:"}
}

func (v variant) after() (lines []string) {
	if v["footer"] == "yes" {
		lines = append(lines, "", "This alarm was generated at Feb 28, 2019 3:50:21 AM (Reporter host Time).", "",
			"This alarm was generated by admin, with the following filters:", "", "Domain: *", "Server: *", "Computer: *", "Risk name: *")
	}
	if v["frame"] == "banner" {
		lines = append(lines, "", "Disclaimer: this message is confidential.", "Please think of the environment.")
	}
	return lines
}

// pairsOf are the labels and values of an event, in SEPM's order.
func (v variant) pairsOf(d drawn) [][2]string {
	date := func(wall string) string {
		at, err := time.Parse("2006-01-02T15:04:05", wall)
		if err != nil {
			return err.Error()
		}
		return at.Format(v["dates"])
	}
	return [][2]string{
		{"Risk name", d.risk}, {"File path", d.path}, {"Event time", date(d.at)}, {"Database insert time", date(d.inserted)},
		{"Source", d.source}, {"Description", d.description}, {"User", d.user}, {"Computer", d.computer},
		{"IP Address", strings.Join(d.written, v["addresses"])}, {"Domain", d.domain}, {"Server", d.server},
		{"Client Group", d.group}, {"Action taken on risk", d.action},
	}
}

// lines are the whole text, with label and value of each field in one.
func (v variant) lines(events []drawn) []string {
	lines := v.before()
	for i, d := range events {
		if i > 0 {
			lines = append(lines, map[string][]string{"blank line": {""}, "rule": {"-----"}}[v["between"]]...)
		}
		for j, pair := range v.pairsOf(d) {
			line := strings.TrimRight(pair[0]+v["colon"]+pair[1], " ")
			if v["layout"] == "pairs" && j%3 > 0 { // three of them share a line
				lines[len(lines)-1] += "\t" + line
				continue
			}
			lines = append(lines, line)
		}
	}
	return append(lines, v.after()...)
}

// text is the plain text of the mail.
func (v variant) text(events []drawn) string {
	prefix := map[string]string{"quoted": "> ", "quoted twice": ">> "}[v["frame"]]
	var b strings.Builder
	for _, line := range v.lines(events) {
		for line := range strings.SplitSeq(line, "\n") {
			for _, line := range v.flow(line) {
				if prefix == "" { // whose blank is a stuffed one
					line = v.stuffed(line)
				}
				b.WriteString(prefix + line + v["line end"])
			}
		}
	}
	return b.String()
}

// flow breaks a line as RFC 3676 has it: a soft break follows a blank, which
// belongs to the text or, with DelSp, to the break. It breaks none after a
// colon: SEPM's own lines of empty values end in a blank there, and relays
// call their text flowed all the same.
func (v variant) flow(line string) (lines []string) {
	const width = 40 // short, so that values are broken often
	soft := map[string]string{"delsp": " "}[v["flowed"]]
	for rest := []rune(line); ; {
		at := min(width, len(rest))
		for v["flowed"] == "yes" && at > 0 && rest[at-1] != ' ' || strings.HasSuffix(strings.TrimRight(string(rest[:at]), " "), ":") {
			at--
		}
		if v["flowed"] == "no" || len(rest) <= width || at == 0 {
			return append(lines, string(rest))
		}
		lines, rest = append(lines, string(rest[:at])+soft), rest[at:]
	}
}

// stuffed keeps a flowed line from being read as a quote.
func (v variant) stuffed(line string) string {
	if v["flowed"] != "no" && (strings.HasPrefix(line, " ") || strings.HasPrefix(line, ">") || strings.HasPrefix(line, "From ")) {
		return " " + line
	}
	return line
}

// html is the HTML of the mail.
func (v variant) html(events []drawn) string {
	escape := func(s string) string { return strings.ReplaceAll(html.EscapeString(s), "\n", "<br>") }
	var b strings.Builder
	each := func(format string, list []string) {
		for _, one := range list {
			fmt.Fprintf(&b, format, escape(one))
		}
	}
	b.WriteString("<html><head><title>Risk name: none</title><style>td {color:red}</style></head><body><blockquote>\n")
	switch v["layout"] {
	default:
		each("%s<br>\n", v.lines(events))
	case "pairs": // whose TABs only this keeps
		b.WriteString("<pre>")
		each("%s\n", v.lines(events))
		b.WriteString("</pre>")
	case "paragraphs":
		each("<p class=\"MsoNormal\">%s<o:p></o:p></p>\n", v.lines(events))
	case "label column", "label column with colons":
		colon := ""
		if v["layout"] == "label column with colons" {
			colon = v["colon"]
		}
		each("<p>%s</p>\n", v.before())
		b.WriteString("<table>\n")
		for i, d := range events {
			if i > 0 {
				b.WriteString(map[string]string{"blank line": "</table><table>", "rule": "</table><hr><table>"}[v["between"]])
			}
			for _, pair := range v.pairsOf(d) {
				fmt.Fprintf(&b, "<tr><th>%s</th>\n<td><p>%s</p></td></tr>\n", escape(pair[0]+colon), escape(pair[1]))
			}
		}
		b.WriteString("</table>\n")
		each("<p>%s</p>\n", v.after())
	case "header row":
		each("<p>%s</p>\n", v.before())
		b.WriteString("<table><thead>\n")
		for i, d := range events {
			if i == 0 {
				b.WriteString("<tr>")
				for _, pair := range v.pairsOf(d) {
					fmt.Fprintf(&b, "<th>%s</th>\n", escape(pair[0]))
				}
				b.WriteString("</tr></thead>\n<tbody>")
			}
			b.WriteString("<tr>")
			for _, pair := range v.pairsOf(d) {
				fmt.Fprintf(&b, "<td>%s</td>\n", escape(pair[1]))
			}
			b.WriteString("</tr>\n")
		}
		b.WriteString("</tbody></table>\n")
		each("<p>%s</p>\n", v.after())
	}
	b.WriteString("</blockquote></body></html>\n")
	return strings.ReplaceAll(b.String(), "\n", v["line end"])
}
