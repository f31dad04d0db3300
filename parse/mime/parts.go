package mime

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// leaf reads a part that holds no others, whose body is between two
// positions.
func (r *reader) leaf(m *Message, h *header, kind string, start, end int, p place) {
	name := fileName(h)
	attachment := strings.EqualFold(token(h.disposition), "attachment")
	switch {
	case isMail(kind):
		r.attached(m, h, start, end, p)
	case strings.EqualFold(path.Ext(name), ".eml") && !strings.HasPrefix(kind, "text/"):
		// Many programs attach a mail as they attach any file.
		m.Files = append(m.Files, r.file(h, kind, name, start, end, p))
		r.attached(m, h, start, end, p)
	case !attachment && (kind == "" || strings.HasPrefix(kind, "text/")):
		m.Texts = append(m.Texts, r.text(h, kind, start, end, p))
	default:
		m.Files = append(m.Files, r.file(h, kind, name, start, end, p))
	}
}

// isMail reports whether a part of this type is a mail.
func isMail(kind string) bool {
	return kind == "message/rfc822" || kind == "message/global"
}

// attached reads a mail whose bytes have a transfer encoding.
func (r *reader) attached(m *Message, h *header, start, end int, p place) {
	inner := r.attach(m, p.depth)
	if inner == nil {
		return
	}
	in := &reader{warn: r.warn, left: r.left, raw: r.raw[start:end], cut: r.cut && end == len(r.raw)}
	if coding := transferEncoding(h.coding); coding != "" {
		var full bool
		in.raw, full = r.decode(coding, start, end, r.left.decoded)
		if !full {
			r.warn.Add("only the first %d bytes of encoded mails are read", maxDecoded)
			in.cut = true
		}
		r.left.decoded -= len(in.raw)
	}
	in.unifyReturns()
	in.message(inner, 0, p.own(), p.depth+1)
}

// text reads a text part.
func (r *reader) text(h *header, kind string, start, end int, p place) Text {
	t := Text{
		Part: p.own(), HTML: kind == "text/html", Alternative: p.alternative,
		Encoding: transferEncoding(h.coding), Offset: -1,
	}
	if r.whole {
		t.Offset = start
	}
	content, full := r.decode(t.Encoding, start, end, r.left.text)
	if name := codingName(h.coding); t.Encoding == "" && !isIdentity(name) {
		r.warn.Add("the transfer encoding %s is unknown, the text was read as it stands", Quote(name))
	}
	if mark := len(content); r.whole && t.Encoding == "" {
		content = bytes.TrimPrefix(content, []byte("\xef\xbb\xbf"))
		t.Offset += mark - len(content)
	}
	declared := parameter(h.kind, "charset")
	if declared == "" && t.HTML {
		declared = metaCharset(content)
	}
	t.Text, t.Charset = r.utf8(content, declared, "text")
	if len(t.Text) > r.left.text { // UTF-8 may be longer
		t.Text, full = Cut(t.Text, r.left.text), false
	}
	if !full {
		r.warn.Add("only the first %d bytes of text are read", maxText)
	}
	r.left.text -= len(t.Text)
	if strings.IndexByte(t.Text, 0) >= 0 {
		r.warn.Add("the text holds NUL characters, shown as \\ufffd")
		t.Text = strings.ReplaceAll(t.Text, "\x00", "\ufffd")
	}
	if !t.HTML && kind == "text/plain" && strings.EqualFold(parameter(h.kind, "format"), "flowed") {
		t.Text = joinFlowed(t.Text, strings.EqualFold(parameter(h.kind, "delsp"), "yes"))
	}
	if !t.HTML {
		t.Text = r.cutLines(t.Text)
	}
	t.Exact = r.whole && !r.altered && t.Encoding == "" && len(t.Text) <= len(content) && string(content[:len(t.Text)]) == t.Text
	return t
}

// cutLines bounds the lines of a plain text.
func (r *reader) cutLines(text string) string {
	if len(text) <= maxLine {
		return text
	}
	long := 0
	for line := range strings.Lines(text) {
		if len(line) > maxLine {
			long++
		}
	}
	if long == 0 {
		return text
	}
	r.warn.Add("%d lines of text are cut at %d bytes", long, maxLine)
	var out strings.Builder
	for line := range strings.Lines(text) {
		if len(line) > maxLine {
			line = Cut(line, maxLine) + "\n"
		}
		out.WriteString(line)
	}
	return out.String()
}

// file reads a part whose content is not kept.
func (r *reader) file(h *header, kind, name string, start, end int, p place) File {
	sum := sha256.New()
	d := decoder{hash: sum}
	d.decode(transferEncoding(h.coding), r.raw[start:end])
	d.flush()
	if d.bad > 0 {
		r.warn.Add("the file %s is damaged, its %s has %d characters that are none", Quote(name), transferEncoding(h.coding), d.bad)
	}
	f := File{Part: p.own(), Name: name, Type: Cut(kind, maxName), Size: d.size}
	if !r.cut || end < len(r.raw) {
		f.SHA256 = hex.EncodeToString(sum.Sum(nil))
	}
	return f
}

// decode takes the transfer encoding off a body, up to a number of bytes.
func (r *reader) decode(coding string, start, end, most int) (content []byte, full bool) {
	raw := r.raw[start:end]
	if coding == "" {
		return raw[:min(len(raw), most)], len(raw) <= most
	}
	d := decoder{most: most, buf: make([]byte, 0, min(len(raw), most+1))}
	d.decode(coding, raw)
	switch {
	case d.bad > 0 && coding == "base64":
		r.warn.Add("a part has damaged base64, %d characters of it were skipped", d.bad)
	case d.bad > 0:
		r.warn.Add("a part has damaged quoted-printable, %d = in it are shown as they stand", d.bad)
	}
	return d.buf[:min(len(d.buf), most)], len(d.buf) <= most
}

// fileName gives the name that a part has as a file, fit to be shown and to
// be written to a folder.
func fileName(h *header) string {
	name := parameter(h.disposition, "filename")
	if name == "" {
		name = parameter(h.kind, "name")
	}
	name, _ = decodeWords(name)
	if !utf8.ValidString(name) {
		name, _, _ = toUTF8([]byte(name), "")
	}
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) || c == utf8.RuneError {
			return '_'
		}
		return c
	}, name)
	name = strings.TrimSpace(Cut(name, maxName))
	if strings.Trim(name, ".") == "" { // such as ..
		return ""
	}
	return name
}
