package parse

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/yl2chen/cidranger"
	"golang.org/x/net/idna"

	"github.com/sepwatch/sepwatch/incident"
)

// Whitelist holds the addresses and names that are never made artifacts,
// such as SEPM's own (guide §2). It says only that: events, look-ups and
// incidents are the same with and without it. A nil Whitelist holds nothing.
type Whitelist struct {
	all  *whitelistSet
	only map[incident.ArtifactType][]*whitelistSet
}

// WhitelistEntries are the entries of a whitelist as they are written.
type WhitelistEntries struct {
	// Networks are networks (10.0.0.0/8), addresses, and ranges of addresses
	// (10.0.0.5-10.0.0.9).
	Networks []string
	// Domains are names. "x.com" means that name, "*.x.com" that name and
	// every one below it; elsewhere "*" stands for any part of a label, as in
	// SEPM-*. Case does not matter.
	Domains []string
	// Types are the artifact types that the entries are for; none means all.
	Types []incident.ArtifactType
}

// NewWhitelist builds a whitelist. The error names every entry that is not
// valid, that can never match, and that would match everything.
func NewWhitelist(lists ...WhitelistEntries) (*Whitelist, error) {
	w := &Whitelist{all: newWhitelistSet(), only: make(map[incident.ArtifactType][]*whitelistSet)}
	var errs []error
	for _, list := range lists {
		into := w.all
		if len(list.Types) > 0 {
			into = newWhitelistSet()
		}
		for _, t := range list.Types {
			w.only[t] = append(w.only[t], into)
			errs = append(errs, wrong("type", string(t), CheckWhitelistType(t, list)))
		}
		for _, entry := range list.Networks {
			errs = append(errs, wrong("network", entry, into.addNetwork(entry)))
		}
		for _, entry := range list.Domains {
			errs = append(errs, wrong("domain", entry, into.addName(entry)))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return w, nil
}

// wrong names the entry that an error is about.
func wrong(what, entry string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("whitelist %s %q: %w", what, entry, err)
}

// WhitelistTypes are the artifact types that a whitelist can hold back.
func WhitelistTypes() []incident.ArtifactType {
	return []incident.ArtifactType{incident.IPAddress, incident.SystemName, incident.DNSName, incident.URL, incident.EmailSender}
}

// CheckWhitelistType says why entries can never match artifacts of a type.
func CheckWhitelistType(t incident.ArtifactType, list WhitelistEntries) error {
	var names []string
	for _, known := range WhitelistTypes() {
		names = append(names, string(known))
	}
	switch {
	case !slices.Contains(names, string(t)):
		return fmt.Errorf("is not one of %s", strings.Join(names, ", "))
	case t == incident.IPAddress && len(list.Domains) > 0:
		return fmt.Errorf("is no name, so the domain %q can never match", list.Domains[0])
	case t != incident.IPAddress && t != incident.URL && len(list.Networks) > 0:
		return fmt.Errorf("is no address, so the network %q can never match", list.Networks[0])
	}
	return nil
}

// Covers reports whether an artifact of this type and value is whitelisted,
// and by which entry: an IP Address, System Name or DNS Name by itself, a URL
// and an e-mail address by its host. Values of other types never are.
func (w *Whitelist) Covers(kind incident.ArtifactType, value string) (entry string, covered bool) {
	if w == nil {
		return "", false
	}
	switch kind {
	case incident.IPAddress, incident.SystemName, incident.DNSName:
	case incident.URL:
		u, err := url.Parse(value)
		if err != nil {
			return "", false
		}
		value = u.Hostname()
	case incident.EmailSender:
		value = value[strings.LastIndexByte(value, '@')+1:]
	default:
		return "", false
	}
	if entry, covered = w.all.covers(value); covered {
		return entry, true
	}
	for _, set := range w.only[kind] {
		if entry, covered = set.covers(value); covered {
			return entry, true
		}
	}
	return "", false
}

// whitelistSet finds the entry that covers a host.
type whitelistSet struct {
	networks cidranger.Ranger
	ranges   []addressRange
	names    map[string]string // as compared → as written
	below    map[string]string // domains that cover what is below them
	patterns []namePattern
}

func newWhitelistSet() *whitelistSet {
	return &whitelistSet{networks: cidranger.NewPCTrieRanger(), names: map[string]string{}, below: map[string]string{}}
}

// networkEntry is a network in the set that knows how it was written.
type networkEntry struct {
	network net.IPNet
	written string
}

// Network makes it an entry of cidranger's.
func (e networkEntry) Network() net.IPNet { return e.network }

type addressRange struct {
	first, last netip.Addr
	written     string
}

// namePattern is a name with "*" in some labels.
type namePattern struct {
	labels  []string
	written string
}

func (s *whitelistSet) covers(host string) (entry string, covered bool) {
	if host == "" {
		return "", false
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		return s.coversAddress(addr.Unmap().WithZone(""))
	}
	name := foldHost(host)
	if strings.Contains(name, ".") { // entries are held so, see addName
		if ascii, err := idna.Punycode.ToASCII(name); err == nil {
			name = ascii
		}
	}
	return s.coversName(name)
}

func (s *whitelistSet) coversAddress(addr netip.Addr) (entry string, covered bool) {
	networks, err := s.networks.ContainingNetworks(addr.AsSlice())
	if err == nil && len(networks) > 0 {
		if e, ok := networks[len(networks)-1].(networkEntry); ok { // the smallest
			return e.written, true
		}
	}
	for _, r := range s.ranges {
		if r.first.BitLen() == addr.BitLen() && !addr.Less(r.first) && !r.last.Less(addr) {
			return r.written, true
		}
	}
	return "", false
}

func (s *whitelistSet) coversName(name string) (entry string, covered bool) {
	if entry, covered = s.names[name]; covered {
		return entry, true
	}
	for parent, more := name, true; more; _, parent, more = strings.Cut(parent, ".") {
		if entry, covered = s.below[parent]; covered {
			return entry, true
		}
	}
	for _, p := range s.patterns {
		if p.covers(name) {
			return p.written, true
		}
	}
	return "", false
}

func (p namePattern) covers(name string) bool {
	labels := strings.Split(name, ".")
	if len(labels) != len(p.labels) {
		return false
	}
	for i, pattern := range p.labels {
		if !globs(pattern, labels[i]) {
			return false
		}
	}
	return true
}

// globs reports whether the whole of s is what the pattern says, in which "*"
// stands for anything.
func globs(pattern, s string) bool {
	parts := strings.Split(pattern, "*")
	first, last := parts[0], parts[len(parts)-1]
	if len(parts) == 1 {
		return s == pattern
	}
	if len(s) < len(first)+len(last) || !strings.HasPrefix(s, first) || !strings.HasSuffix(s, last) {
		return false
	}
	return matches(s[len(first):len(s)-len(last)], strings.Join(parts[1:len(parts)-1], "*"))
}

// foldHost brings a name to the form in which names are compared: lower
// case, without the dot of the root.
func foldHost(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }
