package indicator

import (
	"encoding/hex"
	"net/netip"
	"strings"

	"github.com/sepwatch/sepwatch/incident"
)

// address adds the indicator of an address, in its canonical form and without
// a zone, which means something on one host only.
func (l *list) address(addr netip.Addr, start, end int) {
	addr = addr.WithZone("").Unmap()
	if suppressedAddress(addr) || addr.Is6() && !inUse(addr) {
		return
	}
	l.add(incident.IPAddress, addr.String(), start, end)
}

// inUse tells an address from what only looks like one: "dead::beef",
// "abc::def" and "d::add" are names in C++ as well. It lies in one of the
// parts of the address space that are given out, and has a digit.
func inUse(addr netip.Addr) bool {
	b := addr.As16()
	given := b[0]>>5 == 1 || // 2000::/3, the Internet
		addr.IsPrivate() || addr.IsLinkLocalUnicast() || addr.IsMulticast() ||
		b[0] == 0xfe && b[1]>>6 == 3 || // fec0::/10, site local, which SEPM's data has
		[4]byte(b[:4]) == [4]byte{0, 0x64, 0xff, 0x9b} // 64:ff9b::/32, IPv4 behind a translator
	return given && strings.ContainsAny(addr.String(), "0123456789")
}

// ip4 reads a word that is an IPv4 address or a range of them. A version has
// four parts too, but the text says so before it, or has a letter at it.
func (s *scanner) ip4(start, end int) bool {
	first, last, isRange := strings.Cut(s.text[start:end], "-")
	from, ok := dotted(first)
	if !ok || start > 0 && s.text[start-1] == '.' {
		return false
	}
	to, ok := dotted(last)
	if isRange && !ok && !(len(last) <= 3 && consistsOf(last, isDigit)) {
		return false
	}
	if words, _ := labelAt(s.text, start); words.ofVersion() {
		return true
	}
	if !s.isNetwork(from, end) {
		s.address(from, start, start+len(first))
	}
	if ok {
		s.address(to, end-len(last), end)
	}
	return true
}

func dotted(word string) (netip.Addr, bool) {
	if len(word) < len("1.1.1.1") || len(word) > len("111.111.111.111") || !isDigit(word[0]) {
		return netip.Addr{}, false
	}
	addr, err := netip.ParseAddr(word) // refuses leading zeros
	return addr, err == nil && addr.Is4()
}

// isNetwork: an address with a mask behind it that leaves nothing of a host.
func (s *scanner) isNetwork(addr netip.Addr, end int) bool {
	if end == len(s.text) || s.text[end] != '/' {
		return false
	}
	bits := end + 1
	for bits < len(s.text) && isDigit(s.text[bits]) && bits-end <= 3 {
		bits++
	}
	prefix, err := netip.ParsePrefix(addr.String() + s.text[end:bits])
	return err == nil && !prefix.IsSingleIP() && prefix.Masked().Addr() == addr
}

// ip6 reads an IPv6 address that begins at the place, and gives the place
// behind it, or the place when there is none.
func (s *scanner) ip6(at int) int {
	if at > 0 && (isWordByte(s.text[at-1]) || s.text[at-1] == ':' || s.text[at-1] == '.') {
		return at
	}
	const longest = len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255") + len(":.")
	end, colons := at, 0
	for end < len(s.text) && end-at <= longest && (isHex(s.text[end]) || s.text[end] == ':' || s.text[end] == '.') {
		if s.text[end] == ':' {
			colons++
		}
		end++
	}
	if colons < 2 || end-at > longest || end < len(s.text) && isWordByte(s.text[end]) {
		return at
	}
	word := strings.TrimRight(s.text[at:end], ".")
	if !strings.HasSuffix(word, "::") {
		word = strings.TrimSuffix(word, ":") // of the sentence
	}
	addr, err := netip.ParseAddr(word)
	if err != nil {
		return at
	}
	end = at + len(word)
	if !s.isNetwork(addr, end) {
		s.address(addr, at, s.zone(end))
	}
	return s.zone(end)
}

// zone gives the end of the zone that an address may have behind it.
func (s *scanner) zone(at int) int {
	if at == len(s.text) || s.text[at] != '%' {
		return at
	}
	end := at + 1
	for end < len(s.text) && isAlnum(s.text[end]) {
		end++
	}
	if end == at+1 {
		return at
	}
	return end
}

// hexAddress reads an IPv6 address as SEPM's database has some: 32 hex
// digits, which only their label tells from an MD5 (contract: SEPM e-mail
// §1.6).
func hexAddress(digits string) (addr netip.Addr, ok bool) {
	var b [16]byte
	if len(digits) != hex.EncodedLen(len(b)) {
		return addr, false
	}
	_, err := hex.Decode(b[:], []byte(digits))
	return netip.AddrFrom16(b), err == nil
}
