package indicator

import (
	"net/netip"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"

	"github.com/sepwatch/sepwatch/incident"
)

// RFC 1035 §2.3.4.
const (
	maxName  = 253
	maxLabel = 63
)

// asciiName gives a host's name in lower case and in ASCII (UTS #46).
// Attackers register what IDNA's stricter rules refuse.
func asciiName(name string) (string, bool) {
	if consistsOf(name, func(c byte) bool { return c < utf8.RuneSelf }) {
		return strings.ToLower(name), true
	}
	profile := idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false), idna.CheckHyphens(false))
	ascii, err := profile.ToASCII(name)
	return ascii, err == nil && consistsOf(ascii, func(c byte) bool { return isWordByte(c) && c < utf8.RuneSelf || c == '.' })
}

// publicName finds the host that a word ends in: labels under a public suffix
// of the DNS. It begins at from: left out is what no name may hold, such as
// the hyphens of "--evil.com" or the words of "see_evil.com".
func publicName(word string) (name string, from int, ok bool) {
	const longest = 4 * maxName // in UTF-8
	if strings.IndexByte(word, '.') < 0 || len(word) > longest {
		return "", 0, false
	}
	ascii, ok := asciiName(word)
	if !ok {
		return "", 0, false
	}
	labels, raw := strings.Split(ascii, "."), strings.Split(word, ".")
	if len(labels) != len(raw) {
		return "", 0, false
	}
	suffix := publicSuffix(ascii)
	own := len(labels) - 1 - strings.Count(suffix, ".") - 1 // the label that is registered
	if suffix == "" || own < 0 {
		return "", 0, false
	}
	from, at := len(word), len(labels)
	for at > 0 {
		label := labels[at-1]
		kept := label
		if at-1 == own {
			// The DNS has underscores, but nobody can register one.
			kept = kept[strings.LastIndexByte(kept, '_')+1:]
		}
		kept = strings.TrimLeft(kept, "-")
		if kept == "" || len(kept) > maxLabel || strings.HasSuffix(kept, "-") {
			break
		}
		at--
		name = kept + "." + name
		from -= len(raw[at]) + len(".")
		if kept != label {
			if strings.ToLower(raw[at]) != label {
				return "", 0, false // in xn-- no character can be told apart
			}
			from += len(label) - len(kept)
			break
		}
	}
	name = strings.TrimSuffix(name, ".")
	return name, from + len("."), at <= own && len(name) <= maxName
}

// publicSuffix gives the suffix of a name under which the registries of the
// DNS give out names ("co.uk"), and nothing for a name under no suffix or one
// that is a suffix itself. Suffixes of private owners ("github.io") are names
// like others.
func publicSuffix(name string) string {
	for rest := name; ; {
		suffix, icann := publicsuffix.PublicSuffix(rest)
		switch _, parent, private := strings.Cut(suffix, "."); {
		case icann && suffix != name:
			return suffix
		case icann || !private:
			return ""
		default:
			rest = parent
		}
	}
}

// host reads a word that is, or ends in, a host under a public suffix. It
// gives the place behind what belongs to it.
func (s *scanner) host(start, end int) (next int, ok bool) {
	end = start + len(strings.TrimRight(s.text[start:end], "-_"))
	name, from, ok := publicName(s.text[start:end])
	if !ok || !s.meansHost(name, start, start+from, end) {
		return start, false
	}
	if !suppressedHost(name) {
		s.add(incident.DNSName, name, start+from, end)
	}
	// A path behind it would be read as names.
	port := s.port(end)
	tail := s.urlTail(port)
	if tail > port && from == 0 && strings.HasPrefix(name, "www.") {
		s.addURL("http://"+name+s.text[end:tail], name, start, tail)
	}
	return tail, true
}

// meansHost reports whether what looks like a host is meant as one. Where the
// name alone may be something else, the text has to say so: with a scheme, an
// @, a port, a label or www., or by defanging it.
func (s *scanner) meansHost(name string, word, start, end int) bool {
	before, after := byte(' '), s.text[end:]
	if start > 0 {
		before = s.text[start-1]
	}
	scheme := strings.HasSuffix(s.text[:start], "//")
	if before == '\\' || before == '/' && !scheme || before == '$' ||
		strings.HasPrefix(after, `\`) || strings.HasPrefix(after, "=") || strings.HasPrefix(after, "()") {
		return false // part of a path or of a program
	}
	if scheme || before == '@' || strings.HasPrefix(name, "www.") || s.port(end) > end || s.defanged(start, end) {
		return true
	}
	words, _ := labelAt(s.text, word)
	switch {
	case words.ofHost():
		return true
	case words.ofFile():
		return false
	}
	top := s.text[start+strings.LastIndexByte(s.text[start:end], '.')+1 : end]
	if strings.ToLower(top) != top && strings.ToUpper(s.text[start:end]) != s.text[start:end] {
		return false // W32.Sality.AE, Trojan.Horse, System.IO, the end.Then
	}
	return !isFileExtension(top) || strings.Contains(publicSuffix(name), ".")
}

// isFileExtension holds the top-level domains that file names end in more
// often than hosts do.
func isFileExtension(top string) bool {
	switch strings.ToLower(top) {
	case "zip", "mov", "sh", "py", "md", "ps", "so", "cab", "cat", "bz", "dot", "inc", "java", "properties", "data", "pub":
		return true
	}
	return false
}

// port gives the end of the port that a host may have behind it.
func (s *scanner) port(at int) int {
	end := at + 1
	if at == len(s.text) || s.text[at] != ':' {
		return at
	}
	for end < len(s.text) && isDigit(s.text[end]) && end-at <= 6 {
		end++
	}
	if end == at+1 || end-at > 6 || end < len(s.text) && isWordByte(s.text[end]) {
		return at
	}
	return end
}

// uncHost reads the host of a UNC path: a name under a public suffix, or an
// address, of which fe80--1s4.ipv6-literal.net is one too (fe80::1%4).
func uncHost(host string) (name string, addr netip.Addr) {
	if addr, ok := dotted(host); ok {
		return "", addr
	}
	const literal = ".ipv6-literal.net"
	if at := len(host) - len(literal); at > 0 && strings.EqualFold(host[at:], literal) {
		written, _, _ := strings.Cut(strings.ToLower(host[:at]), "s")
		if addr, err := netip.ParseAddr(strings.ReplaceAll(written, "-", ":")); err == nil {
			return "", addr
		}
	}
	name, from, ok := publicName(host)
	if !ok || from > 0 || suppressedHost(name) {
		return "", netip.Addr{}
	}
	return name, netip.Addr{}
}
