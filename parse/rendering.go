package parse

import (
	"html"
	"iter"
	"strings"

	"github.com/sepwatch/sepwatch/parse/mime"
)

// rendering is one way in which a mail can be read as text.
type rendering struct {
	name string // for people
	text string
	// parts are those that the text is made of, and where in it each begins.
	parts []placed
	html  bool
	// second is a choice that is made only where no other gave an event.
	second bool
}

// placed is a part in a text. Its lines are those of the mail, unless the
// part is HTML.
type placed struct {
	start int
	mime.Text
}

// renderings gives a mail as text as it is best read, then second choices:
// plain text before HTML, HTML that was sent as plain text, and HTML whose
// tags were escaped on the way (contract: SEPM e-mail §1.4).
func renderings(m *mime.Message) iter.Seq[rendering] {
	return func(yield func(rendering) bool) {
		plain := join("plain text", m.Texts, false)
		marked := join("HTML", m.Texts, true)
		if plain.text != "" && !yield(plain) {
			return
		}
		if marked.text != "" {
			marked.text = mime.HTMLText(marked.text)
			if !yield(marked) {
				return
			}
			if looksLikeHTML(marked.text) { // the tags were escaped
				marked.second, marked.name, marked.text = true, "HTML with its tags escaped", mime.HTMLText(marked.text)
				if !yield(marked) {
					return
				}
			}
		}
		if looksLikeHTML(plain.text) {
			plain.second, plain.name, plain.text, plain.html = true, "HTML sent as plain text", mime.HTMLText(plain.text), true
			if !yield(plain) {
				return
			}
		}
		if looksEscaped(plain.text) {
			plain.second, plain.name, plain.text, plain.html = true, "HTML with its tags escaped", mime.HTMLText(html.UnescapeString(plain.text)), true
			yield(plain)
		}
	}
}

// join puts the texts of the parts of one kind one after the other.
func join(name string, texts []mime.Text, html bool) rendering {
	r := rendering{name: name, html: html}
	var text strings.Builder
	for _, t := range texts {
		if t.HTML != html || t.Text == "" {
			continue
		}
		if len(texts) == 1 { // as most mails have it: no copy is needed
			r.parts, r.text = []placed{{0, t}}, t.Text
			return r
		}
		if text.Len() > 0 {
			text.WriteString("\n\n")
		}
		r.parts = append(r.parts, placed{text.Len(), t})
		text.WriteString(t.Text)
	}
	r.text = text.String()
	return r
}

// looksLikeHTML reports whether a plain text is HTML all the same.
func looksLikeHTML(text string) bool {
	for _, tag := range [...]string{"<br", "<BR", "<td", "<TD", "<p>", "<P>", "<div", "<DIV"} {
		if strings.Contains(text, tag) {
			return true
		}
	}
	return false
}

// looksEscaped reports the same of HTML that was escaped once too often.
func looksEscaped(text string) bool {
	for _, tag := range [...]string{"&lt;br", "&lt;BR", "&lt;td", "&lt;TD", "&lt;p&gt;", "&lt;P&gt;", "&lt;div", "&lt;DIV"} {
		if strings.Contains(text, tag) {
			return true
		}
	}
	return false
}

// readBodies reads the text of the mail that holds events. A mail that only
// forwards others as attachments has the events of all of them.
func (r *Reader) readBodies(m *mime.Message, note *note) body {
	best := r.readTexts(m, note)
	if len(best.events) > 0 {
		if len(m.Attached) > 0 {
			best.warn.Add("%d attached mails are not read, the mail has events of its own", len(m.Attached))
		}
		return best
	}
	for _, attached := range m.Attached {
		r.append(&best, r.readBodies(attached, note))
	}
	return best
}

// readTexts reads the first text that holds events; without any it is the
// one for people. Where a mail has plain text and HTML for the same, both are
// read: they should tell the same, and the one that tells more counts.
func (r *Reader) readTexts(m *mime.Message, note *note) body {
	var best body
	for text := range renderings(m) {
		if text.second && len(best.events) > 0 {
			break
		}
		b := r.readBody(text.text, note.of(text))
		switch {
		case len(b.events) == 0 && (best.text == "" || text.html && len(best.events) == 0 && looksLikeHTML(best.text)):
			best = b
		case len(b.events) > len(best.events):
			if len(best.events) > 0 {
				b.warn.Add("the HTML tells %d events and the plain text %d: the HTML counts", len(b.events), len(best.events))
			}
			best = b
			note.use()
		case len(b.events) > 0 && !sameEvents(b.events, best.events):
			best.warn.Add("the HTML tells other events than the plain text, which counts")
		}
		if len(best.events) > 0 && !hasAlternatives(m) {
			break
		}
	}
	return best
}

// append adds what an attached mail says.
func (r *Reader) append(all *body, b body) {
	all.warn.Merge(b.warn)
	if all.text == "" {
		all.text = b.text
	}
	if len(b.events) == 0 {
		return
	}
	if all.generatedAt.wall.IsZero() {
		all.generatedAt = b.generatedAt
	}
	all.heading = all.heading || b.heading
	all.footer = all.footer || b.footer
	all.block = all.block || b.block
	if room := r.maxEvents - len(all.events); len(b.events) > room {
		all.warn.Add("attached mails: only the first %d events are read", r.maxEvents)
		b.events, b.times = b.events[:room], b.times[:room]
	}
	all.events = append(all.events, b.events...)
	all.times = append(all.times, b.times...)
}

// hasAlternatives reports whether the mail has text and HTML for the same.
func hasAlternatives(m *mime.Message) bool {
	for _, t := range m.Texts {
		if t.HTML && t.Alternative != "" {
			return true
		}
	}
	return false
}

// sameEvents compares events by what identifies them.
func sameEvents(a, b []Event) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].ContentDigest() != b[i].ContentDigest() || a[i].Outcome != b[i].Outcome {
			return false
		}
	}
	return true
}
