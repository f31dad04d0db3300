package parse

import (
	"strings"

	"github.com/sepwatch/sepwatch/parse/mime"
)

// body is what the text of a mail says.
type body struct {
	text          string
	events        []Event
	generatedAt   string
	heading       bool // "At least one security risk found"
	securityAlert bool // "Security alert: suspicious activity from …"
	fingerprint   bool
	stray         []int // first lines of labelled lines that are no event
	warn          mime.Warnings
}

// The fixed sentences of a SEPM mail (contract: SEPM e-mail §1.3, 2.1).
const (
	headingText = "at least one security risk found"
	footerText  = "this alarm was generated"
	suspectText = "security alert: suspicious activity from "
)

// readBody reads a text by the grammar of contract SEPM e-mail §1.10:
// anything, then blocks of labelled lines, then a footer.
func (r *Reader) readBody(text string) body {
	text = unifyBreaks(text)
	g := grammar{reader: r, body: body{text: text}}
	rest, n, footer := text, 0, false
	for rest != "" {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		n++
		line = strings.TrimSuffix(line, "\r")
		if !footer {
			footer = g.line(n, line)
		}
		if footer && g.footer(n, line) {
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

// footer reads a line of the footer, where the filters of the notification
// look like fields and are none, and reports whether it has been dated.
func (g *grammar) footer(n int, line string) (dated bool) {
	rest, ok := cutFold(unquote(line), footerText+" at ")
	if !ok {
		return false
	}
	at, _, _ := strings.Cut(rest, "(")
	wall, zone, ok := wallTime(strings.TrimSuffix(trimBlanks(at), "."))
	if !ok {
		g.warn.Add("line %d: no date in %s", n, mime.Quote(line))
	} else if foreignZone(zone) {
		g.warn.Add("line %d: the zone %s is not applied", n, mime.Quote(zone))
	}
	g.generatedAt = wall
	return true
}

// suspect reads the one known sentence of a client security alert.
func (g *grammar) suspect(n int, line string) {
	rest, ok := cutFold(line, suspectText)
	if !ok {
		return
	}
	g.close()
	g.securityAlert = true
	word, _, _ := strings.Cut(rest, " ")
	addr, ok := parseAddress(strings.TrimRight(word, ".,;"))
	switch {
	case !ok:
		g.warn.Add("line %d: no address in %s", n, mime.Quote(line))
	case len(g.events) >= g.reader.maxEvents:
		g.dropped++
	default:
		g.events = append(g.events, Event{
			IPAddresses: []string{addr.String()},
			Description: g.bounded(n, "description", line),
			Outcome:     UnknownResult,
			Hashes:      map[string]string{},
			Extra:       map[string]string{},
		})
		g.warn.Add("line %d: of a client security alert only the address is read", n)
	}
}

// unifyBreaks makes every end of a line an LF or CRLF. Text that already has
// no others is not copied.
func unifyBreaks(text string) string {
	odd := strings.Contains(text, "\u2028") || strings.Contains(text, "\u2029")
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
	return strings.NewReplacer("\r\r\n", "\n", "\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n").Replace(text)
}

// unquote takes the marks of a forwarded mail and the blanks off the start.
func unquote(line string) string {
	line = trimBlanksLeft(line)
	for strings.HasPrefix(line, ">") {
		line = trimBlanksLeft(line[1:])
	}
	return line
}

// cutFold takes a prefix off, which is given in lower case, whatever its
// case in s.
func cutFold(s, prefix string) (rest string, ok bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return "", false
	}
	return s[len(prefix):], true
}
