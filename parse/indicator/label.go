package indicator

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// label is the last words, in lower case, of what a value stands behind.
type label []string

// How far a label reaches back, in bytes and words.
const (
	maxBefore = 120
	maxWords  = 3
)

// labelAt gives the label of the value that begins at the place: "computer",
// "id" for the second of `Computer ids: C73763EF…, 09E31A88…`. Without a colon
// or an equals sign it is the words before it, and plain is true. A value at
// the beginning of its line has the label that ends the line before it.
func labelAt(text string, at int) (words label, plain bool) {
	const quotes = " \t\"'`([{<"
	before := strings.TrimRight(text[max(0, at-maxBefore):at], quotes)
	if line := strings.TrimRight(before, "\r\n"); line != before {
		if line = strings.TrimRight(line, " \t"); !strings.HasSuffix(line, ":") {
			return nil, true
		}
		before = line
	}
	before = before[strings.LastIndexAny(before, "\r\n")+1:]
	// Other values may stand between it and the label.
	if list := strings.TrimRight(before, "0123456789abcdefABCDEFx.,;"+quotes); strings.HasSuffix(list, ":") || strings.HasSuffix(list, "=") {
		before = list
	}
	named := strings.TrimRight(before, ":=")
	plain = named == before
	named = strings.TrimRight(named, quotes)
	if more := strings.LastIndexByte(named, '('); more >= 0 && strings.HasSuffix(named, ")") {
		named = named[:more] // address(es), version (build)
	}
	named = named[strings.LastIndexAny(named, ",;|\t:=()")+1:]
	return lastWords(named), plain
}

// lastWords splits a name such as "Computer id", "computer_id" or
// "computerID" into words.
func lastWords(name string) (words label) {
	for end := len(name); end > 0 && len(words) < maxWords; {
		if c := name[end-1]; !isAlnum(c) && c < utf8.RuneSelf {
			end--
			continue
		}
		start := end
		for start > 0 && (isAlnum(name[start-1]) || name[start-1] >= utf8.RuneSelf) {
			start--
			if hump := isUpper(name[start]) && start > 0 && !isUpper(name[start-1]); hump {
				break
			}
		}
		words = append(words, strings.ToLower(name[start:end]))
		end = start
	}
	slices.Reverse(words)
	return words
}

func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }

// ends reports whether one of the words is the label's last.
func (l label) ends(words ...string) bool { return len(l) > 0 && slices.Contains(words, l[len(l)-1]) }

// has reports whether one of the words is in the label.
func (l label) has(words ...string) bool {
	return slices.ContainsFunc(l, func(w string) bool { return slices.Contains(words, w) })
}

// ofAddress: what stands behind it is an address, whatever it looks like.
func (l label) ofAddress() bool {
	return l.has("ip", "ips", "ipv4", "ipv6", "ip4", "ip6", "addr", "address", "addresses")
}

// ofID: SEPM's objects have ids with the shape of an MD5, and so has much else
// (contract: SEPM e-mail §5.2).
func (l label) ofID() bool {
	return l.ends("id", "ids", "guid", "guids", "uuid", "key", "keys", "idx", "serial", "token", "session", "cookie", "nonce", "etag")
}

// ofVersion: a version may have four parts, as an address has.
func (l label) ofVersion() bool {
	return l.ends("v", "engine", "build", "release", "rel", "revision", "rev", "firmware", "kernel", "windows", "protection", "definitions",
		"patch", "update", "chrome", "firefox", "safari", "java") ||
		l.has("version", "versions", "ver") && !l.ofAddress()
}

// ofFile: what stands behind it is a file's name or path.
func (l label) ofFile() bool {
	return l.ends("file", "files", "filename", "filepath", "path", "folder", "directory", "location", "application", "process",
		"executable", "image", "module", "driver", "attachment", "object", "target") ||
		len(l) > 1 && l.ends("name") && slices.Contains([]string{"file", "application", "process", "attachment", "module"}, l[len(l)-2])
}

// ofHost: what stands behind it is a host's name.
func (l label) ofHost() bool {
	return l.ends("host", "hostname", "domain", "domains", "dns", "fqdn", "site", "website", "server", "url", "c2", "cnc") ||
		len(l) > 1 && l.ends("name") && slices.Contains([]string{"host", "domain", "dns", "server"}, l[len(l)-2])
}

// ofMessage: what stands behind it looks like an e-mail address.
func (l label) ofMessage() bool {
	name := strings.Join(l, " ")
	return strings.HasSuffix(name, "message id") || strings.HasSuffix(name, "content id") || name == "in reply to" || l.ends("references")
}
