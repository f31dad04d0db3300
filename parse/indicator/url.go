package indicator

import (
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sepwatch/sepwatch/incident"
)

// maxURL is the length in bytes of the longest URL that is an indicator; SEPM
// itself keeps 2100 characters (contract: SEPM e-mail §1.6).
const maxURL = 4096

// url reads a URL, of whose "://" the place is, and gives the place behind it.
func (s *scanner) url(at int) int {
	authority := at + len("://")
	scheme, start, defanged := schemeBefore(s.text, at)
	if scheme == "" {
		return authority // what stands there is a host all the same
	}
	if defanged && strings.HasPrefix(s.text[authority:], " ") {
		authority++
	}
	host := s.userinfo(authority)
	name, addr, hostEnd := s.urlHost(host)
	if hostEnd == host && scheme != "file" {
		return authority
	}
	end := s.urlTail(s.port(hostEnd))
	if end <= authority {
		return authority
	}
	if name == "" && addr.IsValid() {
		name = strings.ToLower(s.text[host:hostEnd]) // with its brackets
	}
	switch {
	case suppressedHost(name) || addr.IsValid() && suppressedAddress(addr.Unmap()):
		return end
	case !addr.IsValid() && publicSuffix(name) == "" && !endsURL(s.text[hostEnd:]):
		return authority // http://ev!l
	}
	s.addURL(scheme+"://"+s.text[authority:host]+name+s.text[hostEnd:end], name, start, end)
	switch {
	case addr.IsValid():
		s.address(addr, host, hostEnd)
	case strings.Contains(name, "."):
		s.add(incident.DNSName, name, host, hostEnd)
	}
	return end
}

// addURL adds a URL. A comma would make two values of it (see [Accepts]).
func (s *scanner) addURL(value, host string, start, end int) {
	value = strings.ReplaceAll(value, ",", "%2C")
	// A value that could be refanged further would be another one where it is
	// read again.
	if len(value) <= maxURL && !suppressedHost(host) && refang(value, nil).text == value {
		s.add(incident.URL, value, start, end)
	}
}

// schemeBefore gives the scheme that ends at the place, where it begins, and
// whether it was defanged.
func schemeBefore(text string, at int) (scheme string, start int, defanged bool) {
	const longest = len("hxxxxps")
	start = at
	for start > 0 && at-start < longest && (isAlnum(text[start-1]) || strings.IndexByte("*_#", text[start-1]) >= 0) {
		start--
	}
	for ; start < at; start++ {
		written := strings.ToLower(text[start:at])
		if isURLScheme(written) {
			return written, start, false
		}
		if scheme := refangScheme(written); scheme != "" {
			return scheme, start, true
		}
	}
	return "", at, false
}

// refangScheme reads hxxp, h**p, hzzzps, fxp, meow and the like.
func refangScheme(written string) string {
	switch written {
	case "fxp", "f*p", "f_p":
		return "ftp"
	case "meow":
		return "http"
	}
	body, secure := strings.CutSuffix(written, "s")
	if fill := len(body) - len("hp"); fill < 1 || fill > 4 || body[0] != 'h' || body[len(body)-1] != 'p' || strings.Trim(body[1:1+fill], "txz*_#") != "" {
		return ""
	}
	if secure {
		return "https"
	}
	return "http"
}

// userinfo gives the place behind the user and password of an authority.
func (s *scanner) userinfo(at int) int {
	for end := at; end < len(s.text) && end-at <= maxName; end++ {
		switch c := s.text[end]; {
		case c == '@':
			return end + 1
		case !isAlnum(c) && strings.IndexByte("-._~%!$&'*+=:", c) < 0:
			return at
		}
	}
	return at
}

// urlHost reads the host of a URL: a name, canonical, or an address.
func (s *scanner) urlHost(at int) (name string, addr netip.Addr, end int) {
	rest := s.text[at:]
	if strings.HasPrefix(rest, "[") {
		end := strings.IndexByte(rest[:min(len(rest), maxName)], ']')
		addr, err := netip.ParseAddr(rest[1:max(1, end)])
		if err != nil || !addr.Is6() {
			return "", netip.Addr{}, at
		}
		return "", addr, at + end + 1
	}
	end = wordEnd(s.text, at)
	if end == at || end-at > 4*maxName || rest[0] == '-' || rest[0] == '.' {
		return "", netip.Addr{}, at
	}
	written := strings.TrimRight(s.text[at:end], "-_")
	end = at + len(written)
	if addr, ok := dotted(written); ok {
		return "", addr, end
	}
	name, ok := asciiName(written)
	if !ok || !isName(name) {
		return "", netip.Addr{}, at
	}
	return name, netip.Addr{}, end
}

// isName reports whether the name is one that a URL may have: of labels that
// are not too long, and none that only an address could end in.
func isName(name string) bool {
	if name == "" || len(name) > maxName {
		return false
	}
	last := ""
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > maxLabel {
			return false
		}
		last = label
	}
	return last == name || !consistsOf(last, isDigit)
}

// endsURL reports whether behind the host of a URL something stands that a URL
// goes on with or ends at.
func endsURL(rest string) bool {
	r, _ := utf8.DecodeRuneInString(rest)
	return rest == "" || isURLEnd(r) || strings.ContainsRune("/?#:)]}'.,;*", r) && !strings.HasPrefix(rest, "..")
}

// urlTail gives the end of the path, query and fragment that begin at the
// place, without what belongs to the sentence.
func (s *scanner) urlTail(at int) int {
	if at == len(s.text) || strings.IndexByte("/?#", s.text[at]) < 0 {
		return at
	}
	end := at
	for end < len(s.text) {
		r, size := utf8.DecodeRuneInString(s.text[end:])
		if isURLEnd(r) || r == utf8.RuneError && size == 1 || (r == ',' || r == ';') && s.nextURL(end+1) {
			break
		}
		end += size
	}
	return at + len(trimSentence(s.text[at:end]))
}

// nextURL: URLs may be separated by a comma alone.
func (s *scanner) nextURL(at int) bool {
	near := s.text[at:min(len(s.text), at+len("hxxxxps://"))]
	colon := strings.Index(near, "://")
	if colon <= 0 {
		return false
	}
	_, start, _ := schemeBefore(near, colon)
	return start == 0
}

// isURLEnd: a URL holds no blanks and quotes, nor the punctuation of other
// scripts.
func isURLEnd(r rune) bool {
	switch {
	case r <= ' ' || r == 0x7f:
		return true
	case r < utf8.RuneSelf:
		return strings.ContainsRune("\"<>\\^`|", r)
	}
	return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r)
}

// trimSentence leaves out the punctuation that a value in a sentence ends in,
// and brackets that were opened before it.
func trimSentence(value string) string {
	open := map[byte]int{}
	for i := range len(value) {
		switch c := value[i]; c {
		case '(', '[', '{':
			open[closing(c)]++
		case ')', ']', '}':
			open[c]--
		}
	}
	for value != "" {
		c := value[len(value)-1]
		switch c {
		case ')', ']', '}':
			if open[c] >= 0 {
				return value
			}
			open[c]++
		case '.', ',', ';', ':', '!', '?', '\'', '*':
		default:
			return value
		}
		value = value[:len(value)-1]
	}
	return value
}

func closing(c byte) byte { return ")]}"[strings.IndexByte("([{", c)] }
