package parse

import (
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"
	"unicode"
)

// addresses reads a list of IP addresses, separated by commas, semicolons or
// blanks, in canonical form and each once. Those that are none, and are not
// one of SEPM's words for nothing, come back in bad.
func (v *Vocabulary) addresses(list string) (found, bad []string) {
	// One address, as almost always; anything may stand in a zone.
	if addr, err := netip.ParseAddr(list); err == nil && !strings.ContainsAny(addr.Zone(), ",; \t") {
		return []string{addr.Unmap().String()}, nil
	}
	for word := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ',' || r == ';' || unicode.IsSpace(r) }) {
		addr, ok := parseAddress(word)
		if !ok {
			if !v.isNothing(word) {
				bad = append(bad, word)
			}
			continue
		}
		if s := addr.String(); !slices.Contains(found, s) {
			found = append(found, s)
		}
	}
	return found, bad
}

func parseAddress(s string) (netip.Addr, bool) {
	if inner, ok := strings.CutPrefix(s, "["); ok {
		s = strings.TrimSuffix(inner, "]")
	}
	if addr, err := netip.ParseAddr(s); err == nil {
		return addr.Unmap(), true
	}
	// SEPM's database holds some IPv6 addresses as 32 hex digits; only the
	// label tells them from an MD5 (contract: SEPM e-mail §1.6).
	var b [16]byte
	if len(s) == hex.EncodedLen(len(b)) {
		if _, err := hex.Decode(b[:], []byte(s)); err == nil {
			return netip.AddrFrom16(b).Unmap(), true
		}
	}
	return netip.Addr{}, false
}
