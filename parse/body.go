package parse

import (
	"strings"

	"github.com/sepwatch/sepwatch/parse/mime"
)

// body is what the text of a mail says.
type body struct {
	text          string
	events        []Event
	times         []eventTimes // of the events
	generatedAt   moment
	heading       bool  // "At least one security risk found"
	securityAlert bool  // "Security alert: suspicious activity from …"
	footer        bool  // "This alarm was generated"
	block         bool  // four known labels in a block
	stray         []int // first lines of labelled lines that are no event
	warn          mime.Warnings
}

// eventTimes are the times of an event as they stand in the mail: what
// instants they are shows only when the whole mail has been read.
type eventTimes struct{ event, inserted moment }

// fingerprint reports whether the text is recognised as SEPM's, whatever the
// subject and the sender say (contract: SEPM e-mail §1.10, signal 2).
func (b *body) fingerprint() bool { return b.heading || b.footer || b.block }

// readBody reads a text by the grammar of contract SEPM e-mail §1.10:
// anything, then blocks of labelled lines, then a footer.
func (r *Reader) readBody(text string, trace *trace) body {
	text = unifyBreaks(text)
	g := grammar{reader: r, words: r.words, body: body{text: text}, trace: trace}
	rest, n, footer := text, 0, false
	for rest != "" {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		n++
		line = strings.TrimSuffix(line, "\r")
		if !footer {
			footer = g.line(n, line)
		}
		if footer && g.inFooter(n, line) {
			break
		}
	}
	g.close()
	if len(g.events) > 0 {
		for _, n := range g.stray {
			g.warn.Add("line %d: too few labels for an event", n)
		}
	}
	if g.dropped > 0 {
		g.warn.Add("only the first %d of %d events are read", r.maxEvents, r.maxEvents+g.dropped)
	}
	return g.body
}

// inFooter reads a line of the footer, where the filters of the notification
// look like fields and are none, and reports whether it has been dated.
func (g *grammar) inFooter(n int, line string) (dated bool) {
	rest, ok := g.words.begins(generatedSentence, unquote(line))
	if !ok {
		return false
	}
	if g.generatedAt, ok = g.generated(rest); !ok {
		g.warn.Add("line %d: no date in %s", n, mime.Quote(line))
	}
	g.trace.line(n, "when SEPM wrote the mail")
	return true
}

// generated reads the date after the sentence that has it.
func (g *grammar) generated(rest string) (moment, bool) {
	at, _, _ := strings.Cut(rest, "(")
	return g.words.moment(strings.TrimSuffix(trimBlanks(at), "."))
}

// attack reads the one known sentence of a client security alert.
func (g *grammar) attack(n int, line, rest string) {
	g.close()
	g.securityAlert = true
	word, _, _ := strings.Cut(trimBlanksLeft(rest), " ")
	addr, ok := parseAddress(strings.TrimRight(word, ".,;"))
	if !ok {
		g.warn.Add("line %d: no address in %s", n, mime.Quote(line))
		return
	}
	g.field(n, pair{field: attackerField, label: "Security alert", value: addr.String()})
	g.current.sentence = g.bounded(n, "the sentence", line)
}

// unifyBreaks makes every end of a line an LF or CRLF. Text that already has
// no others is not copied. The separators of Unicode end lines only where
// nothing else does: a file may have one in its name.
func unifyBreaks(text string) string {
	if !strings.ContainsAny(strings.Trim(text, "\r\n"), "\r\n") {
		return strings.NewReplacer("\u2028", "\n", "\u2029", "\n").Replace(text)
	}
	odd := false
	for i := strings.IndexByte(text, '\r'); i >= 0 && !odd; {
		odd = i+1 == len(text) || text[i+1] != '\n'
		next := strings.IndexByte(text[i+1:], '\r')
		if next < 0 {
			break
		}
		i += 1 + next
	}
	if !odd {
		return text
	}
	return strings.NewReplacer("\r\r\n", "\n", "\r\n", "\n", "\r", "\n").Replace(text)
}

// unquote takes the marks of a forwarded mail and the blanks off the start.
func unquote(line string) string {
	line = trimBlanksLeft(line)
	for strings.HasPrefix(line, ">") {
		line = trimBlanksLeft(line[1:])
	}
	return line
}

// cutFold takes a prefix off, whatever the case of either.
func cutFold(s, prefix string) (rest string, ok bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return "", false
	}
	return s[len(prefix):], true
}
