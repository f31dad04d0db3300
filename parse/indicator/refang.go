package indicator

import (
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"
)

// refanged is a copy of a text in which defanged values stand as they were,
// and which knows where each of its bytes stands in the text.
type refanged struct {
	text string
	// pieces begin where the copy does not go on as the text does.
	pieces []piece
}

// piece says where the copy stands in the text from a byte on. With a width,
// that byte alone stands for so many bytes of the text.
type piece struct{ clean, raw, width int }

// at gives the last piece that begins at or before the byte.
func (r *refanged) at(clean int) piece {
	i := sort.Search(len(r.pieces), func(i int) bool { return r.pieces[i].clean > clean })
	if i == 0 {
		return piece{}
	}
	return r.pieces[i-1]
}

// span gives the range of the text that a range of the copy, which is not
// empty, stands for.
func (r *refanged) span(start, end int) (rawStart, rawEnd int) {
	first, last := r.at(start), r.at(end-1)
	return first.raw + start - first.clean, last.raw + end - 1 - last.clean + max(last.width, 1)
}

// defanged reports whether something was changed within a range of the copy.
func (r *refanged) defanged(start, end int) bool {
	rawStart, rawEnd := r.span(start, end)
	return rawEnd-rawStart != end-start
}

// refang makes the copy. Of each span, which are in order, a line break is
// left: nothing goes on across it. Understood are (contract: SEPM e-mail §5.2)
//
//	evil[.]com (.) {.} [dot] (dot) [.com] evil[.com evil.]com evil\.com
//	sales[@]evil.com (@) {@} [at] (at)
//	http[:]//evil.com http[://]evil.com http:[//]evil.com
//	www dot evil dot com, sales at evil dot com
//
// with a blank around them or without, characters of no width, which are left
// out, and the wide forms of ASCII. What is wrong with the scheme, as in
// hxxp://, is left to who reads a URL.
func refang(text string, spans []span) refanged {
	b := refanger{raw: text, changed: -1}
	b.out.Grow(len(text))
	for at := 0; at < len(text); {
		if len(spans) > 0 && at == spans[0].start {
			b.put('\n', at, spans[0].end-at)
			at, spans = spans[0].end, spans[1:]
			continue
		}
		at = b.step(at)
	}
	return refanged{text: b.out.String(), pieces: b.pieces}
}

type refanger struct {
	raw    string
	out    strings.Builder
	pieces []piece
	// next is the byte of the text that stands where the copy goes on, by its
	// last piece.
	next int
	// changed is where the last refanged character stands in the copy, -1
	// when there is none.
	changed int
}

// keep copies a range of the text.
func (b *refanger) keep(start, end int) int {
	if start != b.next {
		b.pieces = append(b.pieces, piece{clean: b.out.Len(), raw: start})
	}
	b.out.WriteString(b.raw[start:end])
	b.next = end
	return end
}

// put writes a byte that stands for so many bytes of the text.
func (b *refanger) put(c byte, start, width int) int {
	b.pieces = append(b.pieces, piece{clean: b.out.Len(), raw: start, width: width})
	b.out.WriteByte(c)
	b.next = -1 // what follows begins a piece of its own
	return start + width
}

// step copies what begins at the place, and gives the place behind it.
func (b *refanger) step(at int) int {
	switch c := b.raw[at]; {
	case c >= utf8.RuneSelf:
		return b.wide(at)
	case c == '[' || c == '(' || c == '{':
		return b.group(at, at)
	case c == ' ' || c == '\t':
		return b.blank(at)
	case c == ']' && b.last() == '.' && at > 0 && b.raw[at-1] == '.' && b.wordAt(at+1): // evil.]com
		return at + 1
	case c == '\\' && strings.HasPrefix(b.raw[at:], `\.`) && isWordByte(b.last()) && b.wordAt(at+2):
		return b.refang('.', at, len(`\.`))
	}
	return b.keep(at, at+1)
}

// refang writes a character that stood defanged.
func (b *refanger) refang(c byte, start, width int) int {
	b.changed = b.out.Len()
	return b.put(c, start, width)
}

// wide copies a character outside ASCII.
func (b *refanger) wide(at int) int {
	r, size := utf8.DecodeRuneInString(b.raw[at:])
	switch {
	case r == utf8.RuneError && size == 1:
		return b.put(0, at, size) // or it might make a character with what follows
	case unicode.Is(unicode.Cf, r):
		return at + size // no width
	case r == '。' || r == '｡':
		return b.put('.', at, size)
	case '！' <= r && r <= '～': // the wide forms, in the order of ASCII
		return b.put(byte(r-'！'+'!'), at, size)
	case r == '\u2010' || r == '\u2011':
		return b.put('-', at, size)
	case unicode.Is(unicode.Zs, r):
		return b.put(' ', at, size)
	}
	return b.keep(at, at+size)
}

// group reads a character in brackets. What it stands for begins at start,
// which may be a blank before the bracket.
func (b *refanger) group(start, open int) int {
	inner, end := b.bracket(open)
	blank := open > start
	switch inner {
	case ".", "dot", "。", "．":
		if end = b.skipBlank(end); isWordByte(b.last()) && b.wordAt(end) {
			return b.refang('.', start, end-start)
		}
	case "@", "at":
		if end = b.skipBlank(end); isWordByte(b.last()) && b.wordAt(end) {
			return b.refang('@', start, end-start)
		}
	case ":", "://", "/", "//":
		if !blank {
			// Only the brackets go.
			at := open + strings.IndexAny(b.raw[open:end], ":/")
			b.keep(at, at+len(inner))
			return end
		}
	}
	if !blank && b.raw[open] == '[' {
		if end, ok := b.label(open); ok {
			return end
		}
	}
	if blank {
		return b.keep(start, open)
	}
	return b.keep(open, open+1)
}

// bracket gives what stands in the brackets that open at the place, lower
// case and without blanks, where that is short, and the place behind them.
func (b *refanger) bracket(open int) (inner string, end int) {
	const most = len("[ 。 ]")
	near := b.raw[open+1 : min(open+1+most, len(b.raw))]
	length := strings.IndexByte(near, closing(b.raw[open]))
	if length < 0 {
		return "", open
	}
	return strings.ToLower(strings.Trim(near[:length], " ")), open + 1 + length + 1
}

// label reads brackets around a label with its dot, as in evil[.com],
// evil.[com] or evil[.com. It leaves the brackets out.
func (b *refanger) label(open int) (end int, ok bool) {
	at := open + 1
	dot := at < len(b.raw) && b.raw[at] == '.'
	if dot {
		at++
	}
	end = at
	for end < len(b.raw) && isAlnum(b.raw[end]) && end-at < maxLabel {
		end++
	}
	closed := end < len(b.raw) && b.raw[end] == ']'
	if end == at || !(dot && isWordByte(b.last()) || closed && !dot && b.last() == '.') {
		return 0, false
	}
	if dot {
		b.refang('.', open, len("[."))
	}
	b.keep(at, end)
	if closed {
		end++
	}
	return end, true
}

// blank reads what may begin with a blank: a group, or a dot or an at that is
// written as a word, where something else says that an address is meant. The
// words alone are English: "the dot net framework", "look at it".
func (b *refanger) blank(at int) int {
	rest := b.raw[at+1:]
	switch {
	case rest == "" || !isWordByte(b.last()):
	case strings.IndexByte("[({", rest[0]) >= 0:
		return b.group(at, at+1)
	case isWord(rest, "dot") && b.wordAt(at+len(" dot ")) && (b.looksLikeAddress() || b.dotFollows(at+len(" dot "), true)):
		return b.refang('.', at, len(" dot "))
	case isWord(rest, "at") && b.wordAt(at+len(" at ")) && b.dotFollows(at+len(" at "), false):
		return b.refang('@', at, len(" at "))
	}
	return b.keep(at, at+1)
}

// isWord reports whether the text begins with the word and a blank.
func isWord(text, word string) bool {
	return len(text) > len(word) && text[len(word)] == ' ' && strings.EqualFold(text[:len(word)], word)
}

// looksLikeAddress reports whether the word that the copy ends in is none of
// plain English: something in it was refanged, or it has a hyphen, an
// underscore or an @.
func (b *refanger) looksLikeAddress() bool {
	out := b.out.String()
	for at := len(out); at > max(0, len(out)-maxLabel); at-- {
		switch c := out[at-1]; {
		case at-1 == b.changed || c == '-' || c == '_' || c == '@':
			return true
		case !isWordByte(c):
			return false
		}
	}
	return false
}

// dotFollows reports whether behind the label that stands at the place a dot
// follows that is written as a word or, with groups, in brackets.
func (b *refanger) dotFollows(at int, groups bool) bool {
	end := at
	for end < len(b.raw) && (isAlnum(b.raw[end]) || b.raw[end] == '-') && end-at < maxLabel {
		end++
	}
	if end == at {
		return false
	}
	blank := b.skipBlank(end)
	if blank > end && isWord(b.raw[blank:], "dot") && b.wordAt(blank+len("dot ")) {
		return true
	}
	if !groups || blank >= len(b.raw) || strings.IndexByte("[({", b.raw[blank]) < 0 {
		return false
	}
	inner, _ := b.bracket(blank)
	return inner == "." || inner == "dot"
}

func (b *refanger) skipBlank(at int) int {
	if at < len(b.raw) && b.raw[at] == ' ' {
		return at + 1
	}
	return at
}

// last is the last byte of the copy, a line break when there is none.
func (b *refanger) last() byte {
	if b.out.Len() == 0 {
		return '\n'
	}
	return b.out.String()[b.out.Len()-1]
}

func (b *refanger) wordAt(at int) bool { return at < len(b.raw) && isWordByte(b.raw[at]) }

// isWordByte reports whether the byte may belong to a host's name. Bytes of
// characters outside ASCII may.
func isWordByte(c byte) bool { return isAlnum(c) || c == '-' || c == '_' || c >= utf8.RuneSelf }
