package parse

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// CheckNetwork says what is wrong with an entry for addresses.
func CheckNetwork(entry string) error { return newWhitelistSet().addNetwork(entry) }

// CheckDomain says what is wrong with an entry for names.
func CheckDomain(entry string) error { return newWhitelistSet().addName(entry) }

func (s *whitelistSet) addNetwork(entry string) error {
	text := strings.TrimSpace(entry)
	if first, last, ok := strings.Cut(text, "-"); ok {
		r, err := parseRange(first, last)
		if err != nil {
			return err
		}
		r.written = entry
		s.ranges = append(s.ranges, r)
		return nil
	}
	prefix, err := parseNetwork(text)
	if err != nil {
		return err
	}
	return s.networks.Insert(networkEntry{
		network: net.IPNet{IP: prefix.Addr().AsSlice(), Mask: net.CIDRMask(prefix.Bits(), prefix.Addr().BitLen())},
		written: entry,
	})
}

func parseNetwork(s string) (netip.Prefix, error) {
	var prefix netip.Prefix
	if addr, err := netip.ParseAddr(s); err == nil && addr.Zone() == "" {
		prefix = netip.PrefixFrom(addr, addr.BitLen())
	} else if prefix, err = netip.ParsePrefix(s); err != nil {
		return prefix, errors.New("is no address, network or range")
	}
	// The set keeps IPv4 and IPv6 apart and knows no mapped addresses.
	if prefix.Addr().Is4In6() {
		if prefix.Bits() < 96 {
			return prefix, errors.New("holds more than the IPv4-mapped addresses")
		}
		prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-96)
	}
	switch masked := prefix.Masked(); {
	case masked != prefix:
		return prefix, fmt.Errorf("is an address inside a network: %s is the network, %s the one address", masked, prefix.Addr())
	case prefix.Bits() == 0:
		return prefix, errors.New("holds every address there is, so that none would be an artifact")
	case noHosts(prefix.Addr(), lastOf(prefix)):
		return prefix, errors.New("can never match: such addresses are never made artifacts")
	}
	return prefix, nil
}

func parseRange(from, to string) (addressRange, error) {
	first, err := netip.ParseAddr(strings.TrimSpace(from))
	last, err2 := netip.ParseAddr(strings.TrimSpace(to))
	first, last = first.Unmap(), last.Unmap()
	switch {
	case err != nil || err2 != nil || first.Zone() != "" || last.Zone() != "" || first.BitLen() != last.BitLen():
		return addressRange{}, errors.New("is no range of two whole addresses")
	case last.Less(first):
		return addressRange{}, errors.New("can never match: it ends before it begins")
	case !first.Prev().IsValid() && !last.Next().IsValid():
		return addressRange{}, errors.New("holds every address there is, so that none would be an artifact")
	case noHosts(first, last):
		return addressRange{}, errors.New("can never match: such addresses are never made artifacts")
	}
	return addressRange{first: first, last: last}, nil
}

// isNoHost reports whether an address names no other host.
func isNoHost(addr netip.Addr) bool { return addr.IsUnspecified() || addr.IsLoopback() }

// noHosts reports the same of all addresses of a range.
func noHosts(first, last netip.Addr) bool {
	return isNoHost(first) && isNoHost(last) && (first.IsLoopback() || first.Is6() || first == last)
}

func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for bit := p.Bits(); bit < len(b)*8; bit++ {
		b[bit/8] |= 1 << (7 - bit%8)
	}
	last, _ := netip.AddrFromSlice(b)
	return last
}

func (s *whitelistSet) addName(entry string) error {
	name := foldHost(strings.TrimSpace(entry))
	bare, wild := strings.CutPrefix(name, "*.")
	if _, err := netip.ParseAddr(bare); err == nil {
		return errors.New("is an address, which belongs among the networks")
	}
	if strings.Trim(bare, "*.") == "" {
		return errors.New("stands for every name there is, so that none would be an artifact")
	}
	if !isName(bare) {
		return errors.New("is no name of a domain or host")
	}
	if strings.Contains(bare, ".") {
		ascii, err := idna.Punycode.ToASCII(bare) // what a domain in an artifact looks like
		if err != nil {
			return fmt.Errorf("is no domain: %w", err)
		}
		bare = ascii
	}
	suffix, managed := publicsuffix.PublicSuffix(bare)
	switch {
	case wild && managed && suffix == bare:
		return fmt.Errorf("stands for everybody's names under %s", bare)
	case strings.Contains(bare, "*"):
		if wild {
			return errors.New(`has both "*." in front and another "*"`)
		}
		s.patterns = append(s.patterns, namePattern{labels: strings.Split(bare, "."), written: entry})
	case wild:
		s.below[bare] = entry
	default:
		s.names[bare] = entry
	}
	return nil
}

// isName accepts "_" and other alphabets, which computer names may hold.
func isName(name string) bool {
	if len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "-") != label {
			return false
		}
		for _, r := range label {
			if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) && !strings.ContainsRune("-_*", r) {
				return false
			}
		}
	}
	return true
}
