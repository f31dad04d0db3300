package parse

import (
	"strings"

	"github.com/sepwatch/sepwatch/parse/mime"
)

// Explanation says which bytes of a mail gave what, and why anything was left
// out. Its JSON is the output of `sepwatch parse --explain --json`.
type Explanation struct {
	Alert Alert           `json:"alert"`
	Texts []ExplainedText `json:"texts"`
	// Files are the attachments, which are not read.
	Files []ExplainedFile `json:"files"`
	// LeftOut are values that are no artifacts. Those of the whitelist are in
	// the alert.
	LeftOut []LeftOut `json:"left_out"`
}

// ExplainedText is one way in which the mail was read as text.
type ExplainedText struct {
	// Name is what it was taken for, such as "plain text".
	Name string `json:"name"`
	// Used is whether the events of the alert are from it.
	Used  bool            `json:"used"`
	Lines []ExplainedLine `json:"lines"`
}

// ExplainedLine is a line of a text. Those that are blank are left out.
type ExplainedLine struct {
	// Line counts the lines of the text from 1, as the warnings do.
	Line int    `json:"line"`
	Text string `json:"text"`
	// Part is the part of the mail, by IMAP's number, and Start and End are
	// the line's bytes: in the mail where InMail is true, otherwise in what
	// the part says when it is decoded.
	Part   string `json:"part"`
	Start  int    `json:"start"`
	End    int    `json:"end"`
	InMail bool   `json:"in_mail"`
	// ReadAs says what was read, and Event for which event, or -1.
	ReadAs []string `json:"read_as"`
	Event  int      `json:"event"`
}

// ExplainedFile is an attachment of the mail.
type ExplainedFile struct {
	Part string `json:"part"`
	// Name is without folders and control characters; it may be empty.
	Name string `json:"name"`
	Type string `json:"type"` // as the mail claims
	Size int64  `json:"size"` // in bytes, decoded
	// SHA256 is lower-case hex, or empty where the content is not whole.
	SHA256 string `json:"sha256"`
}

// LeftOut is a value that became no artifact.
type LeftOut struct {
	Event int    `json:"event"`
	Type  string `json:"type"`
	Value string `json:"value"`
	Why   string `json:"why"`
}

// maxExplained is how many lines of one text are explained.
const maxExplained = 10_000

// Explain reads a mail as [Reader.Read] does and says how it came to that.
func (r *Reader) Explain(raw []byte) Explanation {
	var n note
	e := Explanation{Alert: r.read(raw, &n), Texts: []ExplainedText{}, Files: orEmpty(n.files), LeftOut: orEmpty(n.left)}
	for _, t := range n.texts {
		e.Texts = append(e.Texts, t.explain())
	}
	return e
}

func (t *tracedText) explain() ExplainedText {
	e := ExplainedText{Name: t.name, Used: t.used, Lines: []ExplainedLine{}}
	text := unifyBreaks(t.text)
	moved := len(text) != len(t.text) // positions are no longer those of the parts
	roles := make(map[int][]traced)
	for _, l := range t.lines {
		roles[l.line] = append(roles[l.line], l)
	}
	at := 0
	for rest, n := text, 1; rest != "" && len(e.Lines) < maxExplained; n++ {
		var line string
		start := at
		line, rest, _ = strings.Cut(rest, "\n")
		at += len(line) + 1
		if line = strings.TrimSuffix(line, "\r"); trimBlanks(line) == "" {
			continue
		}
		l := t.place(start, moved)
		l.Line, l.Text, l.End, l.Event, l.ReadAs = n, strings.ReplaceAll(line, mime.CellBreak, "\t"), l.Start+len(line), -1, []string{}
		for _, role := range roles[n] {
			l.ReadAs = append(l.ReadAs, role.what)
			l.Event = max(l.Event, role.event)
		}
		e.Lines = append(e.Lines, l)
	}
	return e
}

// place says where in the mail a position of the text stands.
func (t *tracedText) place(at int, moved bool) ExplainedLine {
	for i := len(t.parts) - 1; i >= 0; i-- {
		p := t.parts[i]
		switch {
		case t.html: // which has another text than its source
			return ExplainedLine{Part: p.Part, Start: at}
		case p.start > at:
		case p.Exact && p.Offset >= 0 && !moved:
			return ExplainedLine{Part: p.Part, Start: p.Offset + at - p.start, InMail: true}
		default:
			return ExplainedLine{Part: p.Part, Start: at - p.start}
		}
	}
	return ExplainedLine{Start: at}
}
