package indicator

import (
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sepwatch/sepwatch/incident"
)

// scanner walks a text from word to word. No byte of it is looked at more than
// a bounded number of times.
type scanner struct {
	refanged
	found list
}

func (s *scanner) run() {
	for at := 0; at < len(s.text) && !s.found.full(); {
		at = s.step(at)
	}
}

// step reads what begins at the place, and gives the place behind it.
func (s *scanner) step(at int) int {
	switch c := s.text[at]; {
	case strings.HasPrefix(s.text[at:], "://"):
		return s.url(at)
	case strings.HasPrefix(s.text[at:], "::"):
		return max(s.ip6(at), at+1)
	case c == '-' || !isWordByte(c):
		return at + 1
	}
	end := wordEnd(s.text, at)
	if end == at {
		_, size := utf8.DecodeRuneInString(s.text[at:])
		return at + size
	}
	if next := s.email(at); next > at {
		return next
	}
	if next := s.ip6(at); next > at {
		return next
	}
	return s.word(at, end)
}

// add adds a value that stands in the range of the copy.
func (s *scanner) add(t incident.ArtifactType, value string, start, end int) {
	start, end = s.span(start, end)
	s.found.add(t, value, start, end)
}

func (s *scanner) address(addr netip.Addr, start, end int) {
	start, end = s.span(start, end)
	s.found.address(addr, start, end)
}

// wordEnd gives the end of the word that begins at the place: letters, digits,
// hyphens, underscores, and single dots within.
func wordEnd(text string, at int) int {
	for at < len(text) {
		next := at
		if text[at] == '.' {
			next++
		}
		size := wordRune(text[next:])
		if size == 0 {
			break
		}
		at = next + size
	}
	return at
}

// wordRune gives the size of the character of a word that the text begins
// with, 0 when there is none.
func wordRune(text string) (size int) {
	if text == "" || !isWordByte(text[0]) {
		return 0
	}
	if text[0] < utf8.RuneSelf {
		return 1
	}
	r, size := utf8.DecodeRuneInString(text)
	if !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) {
		return 0
	}
	return size
}

// word reads a word that is nothing more than that.
func (s *scanner) word(start, end int) int {
	if next, ok := s.plainWord(start, end); ok {
		return next
	}
	// Scripts without blanks are written close to a value.
	for at := start; at < end; {
		if s.text[at] >= utf8.RuneSelf || s.text[at] == '.' || s.text[at] == '-' {
			at++
			continue
		}
		part := at
		for at < end && s.text[at] < utf8.RuneSelf {
			at++
		}
		if part == start && at == end {
			break // all ASCII
		}
		if next, ok := s.plainWord(part, part+len(strings.TrimRight(s.text[part:at], ".-"))); ok && next > at {
			return next
		}
	}
	return end
}

// plainWord reads a word as a whole, or what it is made of.
func (s *scanner) plainWord(start, end int) (next int, ok bool) {
	if s.ip4(start, end) {
		return end, true
	}
	if next, ok = s.host(start, end); ok {
		return next, true
	}
	return end, s.cves(start, end) || s.hashes(start, end)
}

// email reads an e-mail address that begins at the place, and gives the place
// behind it, or the place when there is none.
func (s *scanner) email(start int) int {
	const maxLocal = 64 // RFC 5321 §4.5.3.1.1
	at := start
	for at < len(s.text) && at-start <= maxLocal && (isAlnum(s.text[at]) || strings.IndexByte("._%+-*'~&", s.text[at]) >= 0) {
		at++
	}
	if at == len(s.text) || s.text[at] != '@' || at-start > maxLocal {
		return start
	}
	local, host := s.text[start:at], at+1
	end := wordEnd(s.text, host)
	addr, isAddress := dotted(s.text[host:end])
	name, from, ok := publicName(s.text[host:end])
	if strings.Contains(local, "..") || strings.HasSuffix(local, ".") || !isAddress && (!ok || from > 0) {
		return host
	}
	if isAddress {
		name = addr.String()
		s.address(addr, host, end)
	}
	if words, _ := labelAt(s.text, start); !suppressedHost(name) && !words.ofMessage() {
		s.add(incident.EmailSender, strings.ToLower(local)+"@"+name, start, end)
	}
	return end
}

// cves reads the CVE numbers in a word.
func (s *scanner) cves(start, end int) (found bool) {
	const name = "CVE-"
	for at := start; at+len("CVE-1999-0001") <= end; at++ {
		if s.text[at]|0x20 != 'c' || !strings.EqualFold(s.text[at:at+len(name)], name) || at > start && isAlnum(s.text[at-1]) {
			continue
		}
		stop := at + len(name)
		for stop < end && (isDigit(s.text[stop]) || s.text[stop] == '-' && stop == at+len("CVE-1999")) {
			stop++
		}
		number := stop - at - len("CVE-1999-")
		if number < 4 || number > 19 || stop < end && isAlpha(s.text[stop]) {
			continue
		}
		s.add(incident.CVEID, strings.ToUpper(s.text[at:stop]), at, stop)
		found = true
		at = stop
	}
	return found
}

// hashes reads the hashes in a word: the whole of it, or what stands between
// its hyphens, underscores and dots.
func (s *scanner) hashes(start, end int) (found bool) {
	for at := start; at < end; at++ {
		part := at
		for at < end && isAlnum(s.text[at]) {
			at++
		}
		found = s.hash(part, at) || found
	}
	return found
}

func (s *scanner) hash(start, end int) bool {
	digits := strings.ToLower(s.text[start:end])
	digits = strings.TrimPrefix(digits, "0x")
	t, ok := hashType(len(digits))
	if !ok || !consistsOf(digits, isHex) || suppressedHash(digits) {
		return false
	}
	words, _ := labelAt(s.text, start)
	if addr, ok := hexAddress(digits); ok && words.ofAddress() {
		s.address(addr, start, end)
		return true
	}
	if !words.ofID() {
		s.add(t, digits, start, end)
	}
	return true
}

func hashType(digits int) (incident.ArtifactType, bool) {
	switch digits {
	case 32:
		return incident.MD5Hash, true
	case 40:
		return incident.SHA1Hash, true
	case 64:
		return incident.SHA256Hash, true
	case 128:
		return incident.SHA512Hash, true
	}
	return "", false
}
