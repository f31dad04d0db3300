package parse

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"fmt"
	stdmime "mime"
	"mime/quotedprintable"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/text/encoding/htmlindex"

	"github.com/sepwatch/sepwatch/parse/mime"
)

// Redact copies a mail so that it can be shown to others: it has the same
// structure, encodings, labels, times and actions, and is read with the same
// result; names, paths, users, addresses and all other words that SEPM's own
// vocabulary does not have are masked, letter by letter, and attachments are
// emptied. What is not known to be harmless is masked, so an unknown word
// costs meaning and never a secret; labels before a colon are kept, because a
// new label is what such a copy is for.
func (r *Reader) Redact(raw []byte) []byte {
	m := newMask(r.words)
	for _, e := range r.Read(raw).Events { // the subject repeats them
		m.keepWords(e.Risk)
		m.keepWords(e.Action)
	}
	return m.entity(raw, 0)
}

// maxRedacted is how deep parts and attached mails are looked into; what is
// deeper is left out.
const maxRedacted = 16

// entity redacts a mail or a part of one.
func (m *mask) entity(raw []byte, depth int) []byte {
	header, body := splitEntity(raw)
	kind, params := contentType(header)
	boundary, border := params["boundary"], ""
	if boundary != "" && borderForm().Match(header) { // it may be written in pieces
		m.borders++
		border = fmt.Sprintf("border%d", m.borders)
	}
	var out bytes.Buffer
	m.header(&out, header, border)
	switch {
	case depth > maxRedacted:
	case strings.HasPrefix(kind, "multipart/") && boundary != "":
		m.parts(&out, body, boundary, cmp.Or(border, boundary), depth)
	case strings.HasPrefix(kind, "message/rfc822"):
		out.Write(m.entity(body, depth+1))
	default:
		m.leaf(&out, raw)
	}
	return out.Bytes()
}

// splitEntity cuts after the blank line that ends a header.
func splitEntity(raw []byte) (header, body []byte) {
	for at := 0; at < len(raw); {
		end := bytes.IndexByte(raw[at:], '\n')
		if end < 0 {
			break
		}
		next := at + end + 1
		if len(bytes.TrimRight(raw[at:next], "\r\n")) == 0 {
			return raw[:next], raw[next:]
		}
		at = next
	}
	return raw, nil
}

// contentType gives the type in a header, in lower case, with its parameters.
func contentType(header []byte) (kind string, params map[string]string) {
	for name, value := range headerFields(header) {
		if strings.EqualFold(name, "Content-Type") {
			kind, params, _ = stdmime.ParseMediaType(strings.Join(strings.Fields(value), " "))
			return kind, params
		}
	}
	return "", nil
}

// parts redacts the parts of a multipart. What stands around them is for
// nobody and left out.
func (m *mask) parts(out *bytes.Buffer, body []byte, boundary, masked string, depth int) {
	border := []byte("--" + boundary)
	start := -1
	flush := func(end int) {
		if start >= 0 && start <= end {
			out.Write(m.entity(body[start:end], depth+1))
		}
	}
	for at := 0; at < len(body); {
		next := len(body)
		if n := bytes.IndexByte(body[at:], '\n'); n >= 0 {
			next = at + n + 1
		}
		line := body[at:next]
		if tail, ok := bytes.CutPrefix(bytes.TrimRight(line, " \t\r\n"), border); ok && (len(tail) == 0 || string(tail) == "--") {
			flush(at)
			out.WriteString("--" + masked)
			out.Write(line[len(border):])
			if start = next; len(tail) > 0 {
				return
			}
		}
		at = next
	}
	flush(len(body))
}

// leaf redacts the text of a part without others. It is empty when the part
// is no text.
func (m *mask) leaf(out *bytes.Buffer, raw []byte) {
	for _, t := range mime.Read(raw).Texts {
		if t.HTML {
			out.Write(encodePart(m.html(t.Text), t))
		} else {
			out.Write(encodePart(m.marked(t.Text), t))
		}
	}
}

// encodePart writes a text in the charset and transfer encoding that it had.
func encodePart(text string, t mime.Text) []byte {
	encoded := []byte(text)
	if enc, err := htmlindex.Get(t.Charset); err == nil {
		if inCharset, err := enc.NewEncoder().Bytes(encoded); err == nil {
			encoded = inCharset
		}
	}
	var out bytes.Buffer
	switch t.Encoding {
	case "base64":
		for line := range slices.Chunk(encoded, 57) {
			out.WriteString(base64.StdEncoding.EncodeToString(line) + "\r\n")
		}
	case "quoted-printable":
		w := quotedprintable.NewWriter(&out)
		_, err := w.Write(encoded)
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			return nil // a buffer takes all there is
		}
	default:
		out.Write(encoded)
	}
	return out.Bytes()
}

// marked redacts a text, which may be HTML all the same, or have its tags
// escaped.
func (m *mask) marked(text string) string {
	m.nested++
	defer func() { m.nested-- }()
	switch {
	case m.nested > maxRedacted: // each level was escaped once more
	case looksLikeHTML(text):
		return m.html(text)
	case looksEscaped(text):
		return html.EscapeString(m.html(html.UnescapeString(text)))
	}
	return m.text(text)
}

// html redacts HTML: tags stay, with those attributes that lay a table out.
func (m *mask) html(source string) string {
	var out strings.Builder
	z := html.NewTokenizer(strings.NewReader(source))
	hidden := false
	for {
		switch kind := z.Next(); kind {
		case html.ErrorToken:
			return out.String()
		case html.TextToken:
			if !hidden {
				out.WriteString(html.EscapeString(m.marked(string(z.Text()))))
			}
		case html.StartTagToken, html.SelfClosingTagToken, html.EndTagToken:
			raw := string(z.Raw()) // before the tokenizer goes on
			t := z.Token()
			if t.DataAtom == 0 { // <bob@example.com> is none of HTML's
				out.WriteString(m.shapes(raw, maskWord))
				continue
			}
			t.Attr = slices.DeleteFunc(t.Attr, func(a html.Attribute) bool {
				return !slices.Contains([]string{"colspan", "rowspan", "align", "valign", "border", "dir"}, a.Key)
			})
			hidden = kind == html.StartTagToken && (t.Data == "script" || t.Data == "style" || t.Data == "title")
			out.WriteString(t.String())
		}
	}
}
